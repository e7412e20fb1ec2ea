#!lua flags=allow-oom
-- Count again what the structures hold, for a ledger that was repaired by hand or rolled back. What was accepted
-- is the sum of all states. Bytes are counted by who walked over all records, and believed if nothing came or went
-- meanwhile.
-- INCLUDE: base call
-- KEYS: n rec dead uncl calls meta
-- ARGV: now, bytes held ('' if nobody counted them), and before that was counted: accepted delivered discarded expunged
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
local came_or_went = false
for i, name in ipairs({'accepted', 'delivered', 'discarded', 'expunged'}) do
  came_or_went = came_or_went or tonumber(C('HGET', N, name) or 0) ~= tonumber(ARGV[2 + i])
end
if not came_or_went then counted.bytes = tonumber(ARGV[2]) end

local reply = {}
for _, name in ipairs({'waiting', 'in_flight', 'dead', 'unclear', 'accepted', 'bytes'}) do
  local before = tonumber(C('HGET', N, name) or 0)
  if counted[name] and before ~= counted[name] then
    -- What is lowered here must not look like a ledger that was rolled back: see _witness.
    if name == 'accepted' and before > counted[name] then
      C('HINCRBY', META, 'recounted', before - counted[name])
    end
    C('HSET', N, name, counted[name])
    for _, v in ipairs({name, before, counted[name]}) do reply[#reply + 1] = v end
  end
end
return reply
