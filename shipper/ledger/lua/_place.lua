-- KEYS: rec st due
-- A lane with more to send keeps the place that the age of its next event gives it, so that a backlog leaves in the
-- order of its events, and who has little waits until it is more. Each call costs a step of it, so that a customer
-- of thousands falls behind; an event that was tried, or redriven, goes to the end.
local STEP = 1000

-- Return the lanes that are due, the oldest first, and since when.
local function due_lanes(most)
  local lanes, since = {}, {}
  local found = C('ZRANGE', DUE, '-inf', T, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  for i = 1, #found, 2 do lanes[#lanes + 1], since[#since + 1] = found[i], tonumber(found[i + 1]) end
  return lanes, since
end

-- What `calls` keeps of a claim's time and of its lane's place, if there is one to lose.
local function claimed_at(since)
  return T - since > STEP and string.format('%d/%d', T, since) or T
end

local function keep_place(lane, place)
  if not place or place + STEP >= T then return end
  local id = redis.pcall('LINDEX', lane_key(lane), 0)
  if type(id) ~= 'string' or C('HEXISTS', ST, id) == 1 then return end
  local head = read_record(C('HGET', REC, id) or '')
  if head then C('ZADD', DUE, 'XX', 'LT', math.max(head.at, place + STEP), lane) end
end
