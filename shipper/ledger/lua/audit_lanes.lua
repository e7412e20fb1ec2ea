#!lua flags=no-writes
-- Look at some lanes, each as it stands at this moment; long ones in windows, so that no look takes long.
-- INCLUDE: base call
-- KEYS: rec due lease calls broken dead uncl
-- ARGV: now, first place, number of places to look at, lanes
-- RETURNS: for each lane {problems in words, ids at these places}; a sound lane has no problem
local first, window = tonumber(ARGV[2]), tonumber(ARGV[3])

local function places_of(lane)
  return C('ZSCORE', DUE, lane), C('ZSCORE', LEASE, lane), C('SISMEMBER', BROKEN, lane)
end

local function flight_is_head(call, ids)
  local started = 0
  for i, id in ipairs(ids) do
    if call.numbers[id] then
      if i ~= started + 1 then return false end
      started = i
    end
  end
  return true
end

local function look(lane)
  local ids, problems = redis.pcall('LRANGE', lane_key(lane), first, first + window - 1), {}
  if ids.err then return {'not a list'}, {} end
  local due, lease, broken = places_of(lane)
  local places = (due and 1 or 0) + (lease and 1 or 0) + broken
  local call = C('HGET', CALLS, lane)
  if #ids > 0 and places == 0 then problems[#problems + 1] = 'stuck: in none of due, lease, broken' end
  if places > 1 then problems[#problems + 1] = 'in more than one of due, lease, broken' end
  if #ids == 0 and first == 0 and due and not lease then problems[#problems + 1] = 'empty, but due' end
  if broken == 1 and first == 0 then problems[#problems + 1] = 'quarantined: run shipper mend' end
  if (lease and true) ~= (call and true) then problems[#problems + 1] = 'lease and call differ' end
  if call and first == 0 and not flight_is_head(read_call(call), ids) then
    problems[#problems + 1] = 'flight is not its head'
  end
  for _, id in ipairs(ids) do
    if C('HEXISTS', REC, id) == 0 then problems[#problems + 1] = 'no record of ' .. id end
    if C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id) then problems[#problems + 1] = 'ended: ' .. id end
  end
  return problems, ids
end

local reply = {}
for i = 4, #ARGV do
  local problems, ids = look(ARGV[i])
  reply[#reply + 1] = {problems, ids}
end
return reply
