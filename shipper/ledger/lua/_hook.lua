-- KEYS: hooks hj hl hf
-- One hook job a life, keyed `id:life`: `hj` holds what to tell, NL the last attempt's line, NL the record.
local jobs_added = 0

local function add_job(id, head, s, what, line, record)
  if head.hook == '' then return end
  local job = id .. ':' .. s.life
  C('HSET', HJ, job, what .. ' ' .. s.n .. ' ' .. T .. '\n' .. line .. '\n' .. record)
  C('ZADD', HOOKS, T, job)
  jobs_added = jobs_added + 1
end

local function drop_job(job)
  C('ZREM', HOOKS, job)
  C('ZREM', HF, job)
  C('HDEL', HJ, job)
  C('HDEL', HL, job)
end
