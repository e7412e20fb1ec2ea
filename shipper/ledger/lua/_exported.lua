-- KEYS: exported rec fate
-- Ids that a file of letters may hold. What was delivered must not be brought back by it; what was discarded may.
local function keep_exported(ids, letters, oldest, limit)
  if #ids > 0 and C('EXISTS', EXPORTED) == 1 then
    for i, id in ipairs(ids) do
      if letters[i] == 'x' then
        C('ZREM', EXPORTED, id)
      elseif C('ZSCORE', EXPORTED, id) then
        C('ZADD', EXPORTED, -T, id)
      end
    end
  end
  for _, id in ipairs(C('ZRANGE', EXPORTED, -oldest, oldest, 'BYSCORE', 'LIMIT', 0, limit)) do
    if C('HEXISTS', REC, id) + C('HEXISTS', FATE, id) > 0 then
      C('ZADD', EXPORTED, T, id) -- it has not ended, or not long ago
    else
      C('ZREM', EXPORTED, id)
    end
  end
end
