#!lua flags=allow-oom
-- Hold an account until a moment, or until a person resumes it. It takes the place of any other hold.
-- INCLUDE: base trail
-- KEYS: gate
-- ARGV: now, until ms or '' for ever, deed or ''
-- RETURNS: until ms
local until_ms = ARGV[2] ~= '' and ARGV[2] or '9007199254740991'
C('HSET', GATE, 'why', 'operator', 'until', until_ms, 'step', 1000, 'need', 1)
C('HDEL', GATE, 'probe', 'pend')
note(ARGV[3], 0, {})
return until_ms
