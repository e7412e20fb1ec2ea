-- KEYS: rec st lease calls gate
-- A lease that ran out: its worker died, hangs, or was cut off. Each event of the call gets a cause on record.
local function expire_event(id, number, worker, alone, most_crashes)
  local record = C('HGET', REC, id)
  if not record then return end
  local head, s = header_of(record), read_tried(C('HGET', ST, id))
  s.n, s.k, s.c = number, s.k + 1, s.c + 1
  count('causes', 1)
  count('crashed', 1)
  local outcome = head.park and 'unclear' or s.k >= most_crashes and alone and 'dead' or 'retry'
  local line = '{"at":' .. T .. ',"number":' .. number .. ',"worker":"' .. worker ..
    '","verdict":"crashed","outcome":"' .. outcome .. '"}'
  remember(id, line)
  if outcome == 'retry' then return put_back(id, s, alone and 'R' or 'Rs', 0) end
  s.f, s.reason = s.f + 1, outcome == 'unclear' and 'unclear' or 'crashed'
  s.code, s.field, s.kind = '-', '-', 'none'
  count('in_flight', -1)
  return bury(id, s, record, outcome == 'unclear', line)
end

local function expire_lane(lane, backoff, most_crashes)
  local call = read_call(C('HGET', CALLS, lane))
  for _, id in ipairs(call.ids) do
    expire_event(id, call.numbers[id], call.worker, #call.ids == 1, most_crashes)
  end
  if call.token and C('HGET', GATE, 'probe') == call.token then C('HDEL', GATE, 'probe', 'pend') end
  free_lane(lane, T + backoff)
end
