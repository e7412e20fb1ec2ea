#!lua flags=no-writes
-- Tell whose some letters are, to whoever counts the customers of a group.
-- INCLUDE: base record
-- KEYS: rec
-- ARGV: now, ids
-- RETURNS: the lane of each, '' for one that is gone
local reply = {}
for i = 2, #ARGV do
  local record = C('HGET', REC, ARGV[i])
  reply[#reply + 1] = record and header_of(record).lane or ''
end
return reply
