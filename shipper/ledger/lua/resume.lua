#!lua flags=allow-oom
-- Lift any hold of an account, whoever laid it.
-- INCLUDE: base bell
-- KEYS: gate recent burst
-- ARGV: now
-- RETURNS: why it was held, or false
local why = C('HGET', GATE, 'why')
C('DEL', GATE, RECENT, BURST)
ring()
return why
