#!lua flags=allow-oom
-- Add up what a worker has counted and timed since it last told. Metrics must not stop deliveries, so a forged key
-- fails nothing; a number that is lost with its worker is lost.
-- INCLUDE: base
-- KEYS: hist
-- ARGV: now, then name and number of each
-- RETURNS: OK
for i = 2, #ARGV, 2 do redis.pcall('HINCRBY', HIST, ARGV[i], ARGV[i + 1]) end
return redis.status_reply('OK')
