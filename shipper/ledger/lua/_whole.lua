-- KEYS: rec st calls due lease
-- The common case, in a dozen commands and two for each call: calls that are still ours, all delivered, their events
-- still their lanes' heads. Mark each of them `whole`, and `left` if events are left in its lane; to all others
-- nothing is done.
local function is_whole(call, taken)
  local ids = call.current.ids
  if call.current.token ~= call.token or call.events == 0 or call.events ~= #ids then return false end
  local head = redis.pcall('LRANGE', lane_key(call.lane), 0, call.events)
  for j, id in ipairs(ids) do
    local at = call.first + 4 * (j - 1)
    if ARGV[at] ~= id or ARGV[at] ~= head[j] or ARGV[at + 1] ~= 'D' or taken[id] then return false end
  end
  call.left = head[call.events + 1] ~= nil
  return true
end

-- Return the events of a call as end_events takes them, nil if one of them has no record.
local function ending_of(call, records, tried, at)
  local events = {}
  for j, id in ipairs(call.current.ids) do
    local record, s = records[at + j], tried[at + j] and read_tried(tried[at + j]) or {c = 0, life = 0}
    if not record then return nil end
    s.n = call.current.numbers[id]
    events[j] = {id = id, head = header_of(record), s = s, record = record, line = ARGV[call.first + 4 * j - 1]}
  end
  return events
end

local function free_lanes(calls)
  local due, lanes = {}, {}
  for j, call in ipairs(calls) do
    lanes[j] = call.lane
    C('LPOP', lane_key(call.lane), call.events)
    if call.left then due[#due + 1], due[#due + 2] = T, call.lane end
  end
  each('ZADD', DUE, due)
  each('ZREM', LEASE, lanes)
  each('HDEL', CALLS, lanes)
end

local function deliver_whole(calls, lanes)
  local stored, found, ids, taken = fetch(CALLS, lanes), {}, {}, {}
  for j, call in ipairs(calls) do
    call.current = read_call(stored[j])
    if is_whole(call, taken) then
      found[#found + 1] = call
      for _, id in ipairs(call.current.ids) do ids[#ids + 1], taken[id] = id, true end
    end
  end
  local records, tried, at, ended, whole, ever_tried = fetch(REC, ids), fetch(ST, ids), 0, {}, {}, false
  for _, call in ipairs(found) do
    for _, e in ipairs(ending_of(call, records, tried, at) or {}) do
      ended[#ended + 1], call.whole = e, true
      ever_tried = ever_tried or tried[at + 1] ~= false
      at = at + 1
    end
    if call.whole then whole[#whole + 1] = call else at = at + call.events end
  end
  if #whole == 0 then return end
  for _, e in ipairs(ended) do add_job(e.id, e.head, e.s, 'delivered', e.line, e.record) end
  end_events(ended, 'd', ever_tried)
  count('in_flight', -#ended)
  free_lanes(whole)
end
