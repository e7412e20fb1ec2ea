#!lua flags=allow-oom
-- Forget events on purpose: dead letters, and waiting events that hold up their lane. Not those in flight.
-- INCLUDE: base count bell record tried call lane letter hook end remove trail
-- KEYS: rec
-- ARGV: now, deed or '', ids
-- RETURNS: a word for each id: ok, in_flight (it may still be delivered: wait), no
local reply, gone = {}, {}
for i = 3, #ARGV do
  local record = C('HGET', REC, ARGV[i])
  if not record then
    reply[#reply + 1] = 'no'
  elseif state_of(ARGV[i], header_of(record)) == 'in_flight' then
    reply[#reply + 1] = 'in_flight'
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
