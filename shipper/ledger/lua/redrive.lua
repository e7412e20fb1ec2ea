#!lua flags=allow-oom
-- Send dead letters again: each begins a new life with a fresh budget at its lane's tail. Spread, so that live
-- events keep at least half of the quota.
-- INCLUDE: base count bell record tried lane history letter trail later redrive
-- KEYS: rec st uncl meta
-- ARGV: now, spread ms, ms before the first (what earlier calls have spread), may duplicate (0 or 1), line for the
--       history, deed or '', ms of the choice ('': whatever is a letter now), ids
-- RETURNS: a word for each id: ok, unclear, no, later, unreadable, broken
local spread, from, reply, sent = tonumber(ARGV[2]), T + ARGV[3], {}, {}
local moment = tonumber(ARGV[7])
for i = 8, #ARGV do
  local word = send_again(ARGV[i], ARGV[4] == '1', ARGV[5], from + #sent * spread, moment)
  reply[#reply + 1] = word
  if word == 'ok' then sent[#sent + 1] = ARGV[i] end
end
if #sent > 0 then
  spread_until(from + #sent * spread)
  note(ARGV[6], #sent, sent)
end
tally()
ring()
return reply
