-- KEYS: rec st
-- The common case, in a dozen commands however many events: a call that is still ours, all of it delivered, its
-- events still the lane's head. Return false, with nothing written, for anything else.
local function deliver_whole(lane, call, first, events)
  if events ~= #call.ids then return false end
  local head = redis.pcall('LRANGE', lane_key(lane), 0, events - 1)
  for j = 1, events do
    local at = first + 4 * (j - 1)
    if ARGV[at] ~= call.ids[j] or ARGV[at] ~= head[j] or ARGV[at + 1] ~= 'D' then return false end
  end
  local records, tried = C('HMGET', REC, unpack(head)), C('HMGET', ST, unpack(head))
  local ended, ever_tried = {}, false
  for j, id in ipairs(head) do
    if not records[j] then return false end
    ever_tried = ever_tried or tried[j] ~= false
    local s = read_tried(tried[j])
    s.n = call.numbers[id]
    ended[j] = {id = id, head = header_of(records[j]), s = s, record = records[j]}
  end
  for j, e in ipairs(ended) do add_job(e.id, e.head, e.s, 'delivered', ARGV[first + 4 * (j - 1) + 3], e.record) end
  end_events(ended, 'd', ever_tried)
  C('LPOP', lane_key(lane), events)
  count('in_flight', -events)
  return true
end
