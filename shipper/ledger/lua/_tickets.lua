-- KEYS: crew
-- Reserve tickets ARGV[first..last] until as many run as are wanted: many Dispatchers start no more than that.
local function reserve(key, wanted, first, last, ticket_ms)
  C('ZREMRANGEBYSCORE', key, '-inf', T)
  C('ZREMRANGEBYSCORE', key, T + 60000, '+inf') -- no beat is as long: from before a clock stepped back
  local start = math.max(0, math.min(wanted - C('ZCARD', key), last - first + 1))
  for i = first, first + start - 1 do C('ZADD', key, T + ticket_ms, ARGV[i]) end
  return start
end

-- Count the workers that run pumps; this one says that it is there.
local function muster(worker, beat_ms)
  if worker ~= '' then C('ZADD', CREW, T + beat_ms, worker) end
  C('ZREMRANGEBYSCORE', CREW, '-inf', T)
  return C('ZCARD', CREW)
end
