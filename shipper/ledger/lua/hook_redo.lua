#!lua flags=allow-oom
-- Try failed hooks again with a fresh budget, or forget them on purpose.
-- INCLUDE: base count bell hook trail
-- KEYS: hooks hj hl hf
-- ARGV: now, word (retry, discard), deed or '', jobs
-- RETURNS: ok or no (not a failed hook) for each job
local reply, done = {}, {}
for i = 4, #ARGV do
  local job = ARGV[i]
  if not C('ZSCORE', HF, job) then
    reply[#reply + 1] = 'no'
  else
    if ARGV[2] == 'retry' then
      C('ZADD', HOOKS, T, job)
      C('ZREM', HF, job)
      C('HDEL', HL, job)
    else
      drop_job(job)
      count('hooks_discarded', 1)
    end
    reply[#reply + 1] = 'ok'
    done[#done + 1] = job
  end
end
if #done > 0 then note(ARGV[3], #done, done) end
tally()
ring()
return reply
