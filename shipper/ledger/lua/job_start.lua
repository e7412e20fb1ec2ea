#!lua flags=allow-oom
-- Begin a redrive job, or one that waits for its ids. Only the latest thousand are remembered, and all that run or fill.
-- INCLUDE: base trail job
-- KEYS: jobs jdue
-- ARGV: now, name, the job as JSON, deed or '', how many were chosen
-- RETURNS: ok, or known: asked again
local MOST = 1000
if C('HEXISTS', JOBS, ARGV[2]) == 1 then return 'known' end
if C('HLEN', JOBS) >= MOST then
  local names = C('HKEYS', JOBS)
  table.sort(names)
  for i = 1, #names - MOST + 1 do
    local is_over = not C('ZSCORE', JDUE, names[i]) and read_job_of(names[i]).state ~= 'filling'
    if is_over then C('HDEL', JOBS, names[i]) end
  end
end
local job = cjson.decode(ARGV[3])
job.at, job.seen_at = T, T
write_job(ARGV[2], job)
if job.state == 'running' then C('ZADD', JDUE, T, ARGV[2]) end
note(ARGV[4], tonumber(ARGV[5]), {})
return 'ok'
