-- Shared by every script: C calls Redis, P is the account's key prefix, T is now in milliseconds, read once
-- (TIME is not frozen inside a script of Redis 7.0). ARGV[1] moves the clock in tests and is '' otherwise.
local C = redis.call
local T = tonumber(ARGV[1])
if not T then
  local time = C('TIME')
  T = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function lane_key(lane)
  return P .. 'l:' .. lane
end

-- Read fields of a hash, 1000 at a time; false for one that is not there.
local function fetch(key, fields)
  if #fields == 0 then return {} end
  if #fields <= 1000 then return C('HMGET', key, unpack(fields)) end
  local values = {}
  for i = 1, #fields, 1000 do
    for _, value in ipairs(C('HMGET', key, unpack(fields, i, math.min(i + 999, #fields)))) do
      values[#values + 1] = value
    end
  end
  return values
end

-- Call a command on many values, 1000 at a time: Lua's unpack ends at about 8000.
local function each(command, key, values)
  for i = 1, #values, 1000 do
    C(command, key, unpack(values, i, math.min(i + 999, #values)))
  end
end
