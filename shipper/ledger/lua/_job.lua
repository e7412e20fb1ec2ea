-- KEYS: jobs jdue jids jopen
-- A redrive job: `jobs` has how it stands, as JSON. What it sends is frozen at a moment, before it starts: letters that
-- had ended then, by a filter or by the ids in `jids`. `jopen` has what it sent and has not seen end.
local OVER = {done = true, cancelled = true}

local function read_job_of(name)
  local stored = C('HGET', JOBS, name)
  return stored and cjson.decode(stored)
end

local function write_job(name, job)
  C('HSET', JOBS, name, cjson.encode(job))
end

-- The members of a job in `jids` or `jopen`, in order.
local function members_of(key, name, most)
  return C('ZRANGE', key, '[' .. name .. ' ', '(' .. name .. '!', 'BYLEX', 'LIMIT', 0, most)
end

-- Take what a job that is over had still to do out of the ledger, some at a time; return whether that is all. The job
-- stays for who asks how it went.
local function clear_job(name, most)
  local ids = members_of(JIDS, name, most)
  each('ZREM', JIDS, ids)
  return #ids < most
end
