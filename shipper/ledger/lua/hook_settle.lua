#!lua flags=allow-oom
-- Write down how a hook went. Told is told, whoever says so; a failure counts only under its own lease. Free: the hook
-- was not called, and its try is given back.
-- INCLUDE: base count hook
-- KEYS: hooks hj hl hf
-- ARGV: now, job, token, word (told, again, free, failed), delay ms, error text
-- RETURNS: ok, stale or gone
local job, token, word = ARGV[2], ARGV[3], ARGV[4]
if C('HEXISTS', HJ, job) == 0 then return 'gone' end
local tries, holder = string.match(C('HGET', HL, job) or '', '^(%d+) (%S+)')
if word == 'told' then
  drop_job(job)
  count('hooks_told', 1)
elseif holder ~= token then
  return 'stale'
elseif word == 'free' then
  if tonumber(tries) > 1 then C('HSET', HL, job, tries - 1 .. ' - ' .. ARGV[6]) else C('HDEL', HL, job) end
  C('ZADD', HOOKS, T + ARGV[5], job)
else
  C('HSET', HL, job, tries .. ' - ' .. ARGV[6])
  if word == 'again' then
    C('ZADD', HOOKS, T + ARGV[5], job)
  else
    C('ZREM', HOOKS, job)
    C('ZADD', HF, T, job)
    count('hooks_failed', 1)
  end
end
tally()
return 'ok'
