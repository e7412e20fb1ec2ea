#!lua flags=allow-oom
-- Put an export on the audit log, and remember whose letters a file has: the file must not bring back what is
-- delivered in the meantime, however long ago its id was forgotten.
-- INCLUDE: base trail
-- KEYS: exported
-- ARGV: now, deed, ids
-- RETURNS: how many of them no file had before
local ids, scored = {}, {}
for i = 3, #ARGV do
  ids[#ids + 1] = ARGV[i]
  scored[#scored + 1], scored[#scored + 2] = T, ARGV[i]
end
note(ARGV[2], #ids, ids)
return #ids > 0 and C('ZADD', EXPORTED, unpack(scored)) or 0
