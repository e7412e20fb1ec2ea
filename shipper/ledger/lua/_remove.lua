-- KEYS: rec st calls
-- Take an event out wherever it is, for good. Return the state it was in, or nil for one that has ended.
local function state_of(id, head)
  if C('ZSCORE', DEAD, id) then return 'dead' end
  if C('ZSCORE', UNCL, id) then return 'unclear' end
  return read_call(C('HGET', CALLS, head.lane)).numbers[id] and 'in_flight' or 'waiting'
end

local function remove(id, letter, tell)
  local record = C('HGET', REC, id)
  if not record then return nil end
  local head, s = header_of(record), read_tried(C('HGET', ST, id))
  local was = state_of(id, head)
  if not unfile_letter(id, head, s) then
    leave_lane(head.lane, id)
    if tell then add_job(id, head, s, 'discarded', '', record) end
  end
  count(was, -1)
  end_events({{id = id, head = head, s = s, record = record}}, letter, true)
  return was, s
end
