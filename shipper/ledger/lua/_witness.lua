-- KEYS: n gate meta
-- Notice that Redis came back as another process, and that it came back with less than it had acknowledged: then
-- `ledger rolled back` is a cause of second POSTs, for the whole account. The hold lets living workers settle first.
local STEP_AFTER_RESTART = 1000 -- ms, doubled if the probe fails

local function witness(seen, hold)
  local had = C('HMGET', N, 'accepted', 'delivered')
  local turn = (had[1] or 0) + (had[2] or 0)
  local info = redis.pcall('INFO', 'server')
  local run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
  local known = C('HGET', META, 'run_id')
  if turn < seen then
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
