#!lua flags=allow-oom
-- Lift any hold of an account, whoever laid it.
-- INCLUDE: base bell trail
-- KEYS: gate recent burst
-- ARGV: now, deed or ''
-- RETURNS: why it was held, or false
local why = C('HGET', GATE, 'why')
C('DEL', GATE, RECENT, BURST)
ring()
note(ARGV[2], 0, {})
return why
