#!lua flags=allow-oom
-- Put on the audit log what changes nothing in the ledger, or is many scripts' work: a look at what is masked, an
-- export, a repair.
-- INCLUDE: base trail
-- KEYS: trail
-- ARGV: now, deed, how many, ids
-- RETURNS: how many entries the log has
local ids = {}
for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
note(ARGV[2], ARGV[3], ids)
return C('XLEN', TRAIL)
