-- KEYS: n meta pace hooks flow
-- The flow: a line each ten seconds, the newest first, for an hour: the time, then names and numbers. Whoever sweeps
-- first in a new ten seconds writes it. Charts must not stop deliveries, so a forged key fails nothing.
local EVERY, KEPT = 10000, 360
local COUNTED = {'accepted', 'waiting', 'in_flight', 'delivered', 'dead', 'unclear', 'discarded', 'expunged',
  'retried', 'redriven', 'calls', 'events_sent', 'hooks_told', 'bytes'}

-- `facts` are names and numbers that the sweep has found anyway.
local function sample(sampled, facts)
  if math.floor(T / EVERY) == math.floor((tonumber(sampled) or 0) / EVERY) then return end
  local line = {T, 'pace_1s', C('ZCOUNT', PACE, '(' .. (T - 1000), T),
    'pace_30s', C('ZCOUNT', PACE, '(' .. (T - 30000), T), 'hooks', C('ZCARD', HOOKS), unpack(facts)}
  local numbers = C('HMGET', N, unpack(COUNTED))
  for i, name in ipairs(COUNTED) do
    line[#line + 1], line[#line + 2] = name, numbers[i] or 0
  end
  redis.pcall('LPUSH', FLOW, table.concat(line, ' '))
  redis.pcall('LTRIM', FLOW, 0, KEPT - 1)
  C('HSET', META, 'sampled', T)
end
