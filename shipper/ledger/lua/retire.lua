#!lua flags=allow-oom
-- Give a ticket up. The bell rings, so that what is still due finds its next pump at once.
-- INCLUDE: base bell
-- KEYS: due pumps tellers
-- ARGV: now, ticket
-- RETURNS: 1 if the ticket was held, else 0
local held = C('ZREM', PUMPS, ARGV[2]) + C('ZREM', TELLERS, ARGV[2])
if C('ZCOUNT', DUE, '-inf', T) > 0 then ring() end
return held
