#!lua flags=allow-oom
-- Remember which alarms are raised: each passing of a mark is told once, by the one whose look noticed it, and
-- leaves a job for the alarm hooks. A look that is not later than the last one changes nothing; no look takes a
-- minute, so what lies further ahead is from before a clock stepped back, and holds nothing up.
-- INCLUDE: base bell
-- KEYS: alarms hooks hj
-- ARGV: now, when the values were read, whether the account is held (0 or 1), then for each alarm: its name, value,
--       mark, whether its mark is passed (0 or 1)
-- RETURNS: name and 1 (raised) or 0 (cleared) of each alarm that this look changed
local latest = T + 60000
local last, held = tonumber(C('HGET', ALARMS, 'at') or 0), tonumber(C('HGET', ALARMS, 'held') or latest + 1)
if last >= tonumber(ARGV[2]) and last <= latest then return {} end
C('HSET', ALARMS, 'at', ARGV[2])
if ARGV[3] == '0' then
  C('HDEL', ALARMS, 'held')
elseif held > latest then
  C('HSET', ALARMS, 'held', ARGV[2])
end

local function tell(name, raised, value, mark)
  local job = 'alarm-' .. name .. '-' .. T .. ':0'
  local line = '{"name":"' .. name .. '","raised":' .. raised .. ',"value":' .. value .. ',"mark":' .. mark .. '}'
  C('HSET', HJ, job, 'alarm 0 ' .. T .. '\n' .. line .. '\n')
  C('ZADD', HOOKS, T, job)
end

local changed = {}
for i = 4, #ARGV, 4 do
  local name, value, mark, passed = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3] == '1'
  local raised = C('HEXISTS', ALARMS, name) == 1
  if passed and not raised then C('HSET', ALARMS, name, T .. ' ' .. value .. ' ' .. mark) end
  if raised and not passed then C('HDEL', ALARMS, name) end
  if passed ~= raised then
    tell(name, tostring(passed), value, mark)
    changed[#changed + 1], changed[#changed + 2] = name, passed and 1 or 0
  end
end
if #changed > 0 then ring() end
return changed
