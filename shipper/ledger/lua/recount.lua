#!lua flags=allow-oom
-- Count again what the structures hold, for a ledger that was repaired by hand or rolled back. What was accepted
-- is the sum of all states.
-- INCLUDE: base call
-- KEYS: n rec dead uncl calls
-- ARGV: now
-- RETURNS: counter, before, after for each one that was wrong
local flying, calls = 0, C('HVALS', CALLS)
for _, value in ipairs(calls) do
  for _, id in ipairs(read_call(value).ids) do flying = flying + C('HEXISTS', REC, id) end
end
local dead, unclear = C('ZCARD', DEAD), C('ZCARD', UNCL)
local counted = {in_flight = flying, dead = dead, unclear = unclear,
  waiting = C('HLEN', REC) - dead - unclear - flying}
counted.accepted = C('HLEN', REC)
for _, ended in ipairs(C('HMGET', N, 'delivered', 'discarded', 'expunged', 'lost')) do
  counted.accepted = counted.accepted + (ended or 0)
end
local reply = {}
for _, name in ipairs({'waiting', 'in_flight', 'dead', 'unclear', 'accepted'}) do
  local before = tonumber(C('HGET', N, name) or 0)
  if before ~= counted[name] then
    C('HSET', N, name, counted[name])
    for _, v in ipairs({name, before, counted[name]}) do reply[#reply + 1] = v end
  end
end
return reply
