#!lua flags=no-writes
-- Tell whether an event was accepted after all: it runs on a full Redis, where enqueue cannot.
-- INCLUDE: base record
-- KEYS: rec fate idem
-- ARGV: now, id, key ('' for none)
-- RETURNS: id, fp of the event that has this idempotency key or id, or false
local held = ARGV[3] ~= '' and C('HGET', IDEM, ARGV[3])
if held then return {string.match(held, '^(%S+) (%S+)')} end
local record = C('HGET', REC, ARGV[2])
if record then return {ARGV[2], header_of(record).fp} end
local fate = C('HGET', FATE, ARGV[2])
return fate and {ARGV[2], string.match(fate, '^%S+ (%S+)')} or false
