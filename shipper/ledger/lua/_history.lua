-- KEYS: why
-- An event's history: one JSON line an attempt, made by the worker; the oldest go when it grows too long.
local MOST_LINES, MOST_BYTES = 24, 8192

local function remember(id, line)
  if line == '' then return end
  local lines = C('HGET', WHY, id)
  lines = lines and lines .. '\n' .. line or line
  local _, breaks = string.gsub(lines, '\n', '')
  while breaks > 0 and (breaks >= MOST_LINES or #lines > MOST_BYTES) do
    lines = string.sub(lines, string.find(lines, '\n', 1, true) + 1)
    breaks = breaks - 1
  end
  C('HSET', WHY, id, lines)
end
