#!lua flags=allow-oom
-- Pause, resume or cancel a redrive job.
-- INCLUDE: base trail job
-- KEYS: jobs jdue jids jopen
-- ARGV: now, name, word (pause, resume, cancel), deed or ''
-- RETURNS: {1 if it was turned, its state then}, or {0, no}: there is none
local FROM = {
  pause = {running = 'paused'},
  resume = {paused = 'running', stopped = 'running'},
  cancel = {filling = 'cancelled', running = 'cancelled', paused = 'cancelled', stopped = 'cancelled'},
}
local job = read_job_of(ARGV[2])
if not job then return {0, 'no'} end
local to = FROM[ARGV[3]][job.state]
if not to then return {0, job.state} end
job.state, job.seen_at, job.credit, job.why, job.waits = to, T, 0, '', ''
if to == 'running' then job.recent = '' end -- a person has looked: it is judged by what comes from now on
if to == 'cancelled' then job.ended_at = T end
write_job(ARGV[2], job)
C('ZADD', JDUE, T, ARGV[2])
note(ARGV[4], 0, {})
return {1, to}
