-- KEYS: n gate meta sweeps
-- Notice that Redis came back as another process, and that it came back with less than it had acknowledged: then
-- `ledger rolled back` is a cause of second POSTs, for the whole account. The hold lets living workers settle first.
local STEP_AFTER_RESTART = 1000 -- ms, doubled if the probe fails
local SWEEPS_KEPT = 100

-- Tell whether the last sweep of this worker is missing. Counters alone hide a loss as soon as others have enqueued
-- more than was lost; nobody else writes this entry.
local function misses_its_sweep(worker, swept_at)
  if worker == '' then return false end
  local known = C('ZSCORE', SWEEPS, worker)
  local missing = known and tonumber(known) < swept_at
  if not known and swept_at > 0 then
    -- Only the oldest are dropped, and only when there are so many.
    local oldest = C('ZRANGE', SWEEPS, 0, 0, 'WITHSCORES')[2]
    missing = C('ZCARD', SWEEPS) < SWEEPS_KEPT or tonumber(oldest) < swept_at
  end
  C('ZADD', SWEEPS, T, worker)
  C('ZREMRANGEBYRANK', SWEEPS, 0, -SWEEPS_KEPT - 1)
  return missing
end

local function witness(seen, hold, worker, swept_at)
  local had = C('HMGET', N, 'accepted', 'delivered')
  local facts = C('HMGET', META, 'run_id', 'recounted')
  local known, turn = facts[1], (had[1] or 0) + (had[2] or 0) + (facts[2] or 0)
  local info = redis.pcall('INFO', 'server')
  local run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
  if misses_its_sweep(worker, swept_at) or turn < seen then
    C('HINCRBY', META, 'rolled_back', 1)
    C('HSET', META, 'rolled_back_at', T)
  end
  if run_id and run_id ~= known then
    C('HSET', META, 'run_id', run_id)
    if known and hold > 0 and tonumber(C('HGET', GATE, 'until') or 0) < T + hold then
      C('HSET', GATE, 'why', 'restarted', 'until', T + hold, 'step', STEP_AFTER_RESTART, 'need', 1)
      C('HDEL', GATE, 'probe', 'pend')
    end
  end
  return turn
end
