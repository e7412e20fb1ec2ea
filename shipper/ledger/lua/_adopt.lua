-- KEYS: rec st hj hl
-- A success is true wherever its event is by now: waiting, under another call, dead or unclear.
local function deliver(id, record, current, line)
  local head, s = header_of(record), read_tried(C('HGET', ST, id))
  local ended = unfile_letter(id, head, s)
  if ended then
    count(ended, -1)
    count('adopted', 1)
    local job = id .. ':' .. s.life
    if not C('HGET', HL, job) then drop_job(job) end -- its error is still untold: tell the success alone
    s.life = s.life + 1
  else
    leave_lane(head.lane, id)
    count(current.numbers[id] and 'in_flight' or 'waiting', -1)
  end
  s.n = math.max(s.n, current.numbers[id] or 0)
  add_job(id, head, s, 'delivered', line, record)
  end_events({{id = id, head = head, s = s, record = record}}, 'd', true)
end
