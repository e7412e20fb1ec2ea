-- KEYS: due lease calls broken
-- A lane with events is in exactly one of `due`, `lease` and `broken`. `due` is written before the lease goes.
-- Return whether events are left in it.
local function free_lane(lane, at)
  local left = C('EXISTS', lane_key(lane)) == 1
  if left then C('ZADD', DUE, at, lane) end
  C('ZREM', LEASE, lane)
  C('HDEL', CALLS, lane)
  return left
end

-- Append an event to its lane, due at a time unless the lane waits, is leased or is quarantined already.
local function join_lane(lane, id, at)
  if not C('ZSCORE', LEASE, lane) and C('SISMEMBER', BROKEN, lane) == 0 then C('ZADD', DUE, 'NX', at, lane) end
  C('RPUSH', lane_key(lane), id)
end

-- Take an event out of its lane. Nobody waits for the backoff of an event that is gone.
local function leave_lane(lane, id)
  local head = redis.pcall('LINDEX', lane_key(lane), 0)
  if type(head) == 'table' then return end -- not a list: quarantined, and mended from `rec`
  C('LREM', lane_key(lane), 1, id)
  if C('EXISTS', lane_key(lane)) == 0 then
    C('ZREM', DUE, lane)
    C('SREM', BROKEN, lane)
  elseif head == id then
    C('ZADD', DUE, 'XX', 'LT', T, lane)
  end
end
