-- KEYS: jobs jdue jids jopen
-- A redrive job: `jobs` has how it stands, as JSON. What it sends is frozen when it starts: a filter that ends at that
-- moment, or the ids in `jids`. `jopen` has what it sent and has not seen end.
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

-- Take what is left of a job that is over out of the ledger, some at a time; the job stays for who asks how it went.
local function clear_job(name, most)
  local open, ids = members_of(JOPEN, name, most), members_of(JIDS, name, most)
  each('ZREM', JOPEN, open)
  each('ZREM', JIDS, ids)
  if #open < most and #ids < most then C('ZREM', JDUE, name) end
end
