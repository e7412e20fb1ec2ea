#!lua flags=allow-oom
-- Give a redrive job ids; with the last of them it runs.
-- INCLUDE: base job
-- KEYS: jobs jdue jids
-- ARGV: now, name, whether these are the last (0 or 1), ids
-- RETURNS: its state then, or no: there is none
local job, scored = read_job_of(ARGV[2]), {}
if not job then return 'no' end
if job.state ~= 'filling' then return job.state end
for i = 4, #ARGV do
  scored[#scored + 1] = 0
  scored[#scored + 1] = ARGV[2] .. ' ' .. ARGV[i]
end
if #scored > 0 then job.total = job.total + C('ZADD', JIDS, unpack(scored)) end
if ARGV[3] == '1' then
  job.state, job.seen_at = 'running', T
  C('ZADD', JDUE, T, ARGV[2])
end
write_job(ARGV[2], job)
return job.state
