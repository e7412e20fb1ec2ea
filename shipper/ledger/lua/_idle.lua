-- KEYS: lease broken
-- Only a lane without events can be in none of due, lease and broken. Return those to be due now, as ZADD takes them;
-- `in_lane` tells how many events each lane had.
local function due_of(lanes, in_lane, at)
  local idle, due = {}, {}
  for _, lane in ipairs(lanes) do
    if in_lane[lane] == 0 then idle[#idle + 1], in_lane[lane] = lane, 1 end
  end
  if #idle == 0 then return due end
  local leased, broken = C('ZMSCORE', LEASE, unpack(idle)), C('SMISMEMBER', BROKEN, unpack(idle))
  for i, lane in ipairs(idle) do
    if not leased[i] and broken[i] == 0 then due[#due + 1], due[#due + 2] = at, lane end
  end
  return due
end
