#!lua flags=allow-oom
-- Give a redrive job ids, in the order in which they go out; with the last of them it runs.
-- INCLUDE: base job
-- KEYS: jobs jdue jids
-- ARGV: now, name, whether these are the last (0 or 1), how many it was given before, ids
-- RETURNS: its state then, or no: there is none
local job, scored = read_job_of(ARGV[2]), {}
if not job then return 'no' end
if job.state ~= 'filling' then return job.state end
for i = 5, #ARGV do
  scored[#scored + 1] = 0
  scored[#scored + 1] = string.format('%s %08d %s', ARGV[2], ARGV[4] + i - 5, ARGV[i])
end
if #scored > 0 then job.total = job.total + C('ZADD', JIDS, unpack(scored)) end
if ARGV[3] == '1' then
  job.state, job.seen_at = 'running', T
  C('ZADD', JDUE, T, ARGV[2])
end
write_job(ARGV[2], job)
return job.state
