-- KEYS: dead uncl why
-- A choice is frozen: of the letters that are there now, those count that had ended, and were here, before its moment.
local function came_later(id, moment)
  if not moment then return false end
  local ended = C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id)
  if not ended then return false end
  local history = C('HGET', WHY, id) or ''
  if string.find(history, '"outcome":"imported"', 1, true) then -- a pattern takes much longer
    for at in string.gmatch(history, '"at":(%d+),"outcome":"imported"') do ended = math.max(ended, at) end
  end
  return tonumber(ended) >= moment
end
