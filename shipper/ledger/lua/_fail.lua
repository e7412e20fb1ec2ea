-- KEYS: rec st
-- What becomes of one event of a call that was ours and did not succeed. Outcomes: R (charged; v: a vague answer,
-- s: alone from now on), F (free), S (free, alone from now on), X (dead) and U (unclear) with `reason code field
-- kind`.
-- Return the delay that its lane has to wait, 0 when the event has left it.
local function put_back(id, s, outcome, delay)
  if string.find(outcome, 'R', 1, true) then
    s.f = s.f + 1
    count('retried', 1)
  end
  if string.find(outcome, 'v', 1, true) then s.v = s.v + 1 end
  if string.find(outcome, '[sS]') then s.solo = true end
  write_tried(id, s)
  count('in_flight', -1)
  count('waiting', 1)
  return delay
end

-- End an event as a dead letter; the caller counts it out of the state it was in.
local function bury(id, s, record, unclear, line)
  local head = header_of(record)
  leave_lane(head.lane, id)
  write_tried(id, s)
  file_letter(id, head, s, unclear, T)
  add_job(id, head, s, unclear and 'unclear' or s.reason, line, record)
  count(unclear and 'unclear' or 'dead', 1)
  return 0
end

local function fail(id, number, record, outcome, arg, caused, line)
  local s = read_tried(C('HGET', ST, id))
  s.n, s.k = number, 0
  if caused then
    s.c = s.c + 1
    count('causes', 1)
  end
  remember(id, line)
  if outcome ~= 'X' and outcome ~= 'U' then return put_back(id, s, outcome, tonumber(arg)) end
  s.reason, s.code, s.field, s.kind = string.match(arg, '^(%S+) (%S+) (%S+) (%S+)$')
  s.f = s.f + 1
  count('in_flight', -1)
  return bury(id, s, record, outcome == 'U', line)
end
