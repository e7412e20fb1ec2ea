#!lua flags=no-writes
-- Look whether some things that are kept of the dead letters agree with the letters, each as it stands at this moment.
-- INCLUDE: base record tried letter judge judge_count
-- KEYS: rec
-- ARGV: now, what they are, then these: letters (ids), index (members), groups, people, fields or kinds (fields of these)
-- RETURNS: what is wrong with each, '' for nothing, `many` for a customer with too many letters to count; of the rest
--       nothing: it would take too long
local reply = {}
for i = 3, #ARGV do
  reply[#reply + 1] = judge(ARGV[2], ARGV[i]) or ''
  if looked > 2000 then break end
end
return reply
