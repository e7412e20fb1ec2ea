#!lua flags=allow-oom
-- Forget events on purpose: dead letters, and waiting events that hold up their lane. Not those in flight.
-- INCLUDE: base count bell record tried call lane letter hook end remove trail later
-- KEYS: rec
-- ARGV: now, deed or '', ms of the choice ('': whatever is a letter now), then for each event: id, whether it may be
--       waiting (0 or 1)
-- RETURNS: a word for each id: ok, in_flight (it may still be delivered: wait), later (a letter since the choice), no
local reply, gone, moment = {}, {}, tonumber(ARGV[3])
for i = 4, #ARGV, 2 do
  local record = C('HGET', REC, ARGV[i])
  local state = record and state_of(ARGV[i], header_of(record))
  if not record or state == 'waiting' and ARGV[i + 1] == '0' then
    reply[#reply + 1] = 'no'
  elseif state == 'in_flight' then
    reply[#reply + 1] = 'in_flight'
  elseif came_later(ARGV[i], moment) then
    reply[#reply + 1] = 'later'
  else
    remove(ARGV[i], 'x', true)
    reply[#reply + 1] = 'ok'
    gone[#gone + 1] = ARGV[i]
  end
end
if #gone > 0 then note(ARGV[2], #gone, gone) end
tally()
ring()
return reply
