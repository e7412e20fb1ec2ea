-- KEYS: rec dead uncl
-- An earlier event of which a crashed script left only the record gets its place in the lane back.
local function house(id)
  local record = C('HGET', REC, id)
  local head = record and read_record(record)
  if not head or C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id) then return end
  local place = redis.pcall('LPOS', lane_key(head.lane), id)
  if not place then join_lane(head.lane, id, T) end
end
