#!lua flags=allow-oom
-- Correct a count of `people` that took more than one look, if nothing has come or gone since it began.
-- INCLUDE: base
-- KEYS: dx people
-- ARGV: now, field of `people`, index that was walked, entries in it and the newest of them ('' for none) before that,
--       the count then ('' for none), what it should be
-- RETURNS: 1, or 0 if it was left
local index, newest = ARGV[3], C('ZRANGE', DX, '(' .. ARGV[3] .. '\1', '[' .. ARGV[3] .. '\0', 'BYLEX', 'REV', 'LIMIT', 0, 1)
local entries = C('ZLEXCOUNT', DX, '[' .. index .. '\0', '(' .. index .. '\1')
if entries ~= tonumber(ARGV[4]) or (newest[1] or '') ~= ARGV[5] or (C('HGET', PEOPLE, ARGV[2]) or '') ~= ARGV[6] then
  return 0
end
if tonumber(ARGV[7]) > 0 then C('HSET', PEOPLE, ARGV[2], ARGV[7]) else C('HDEL', PEOPLE, ARGV[2]) end
return 1
