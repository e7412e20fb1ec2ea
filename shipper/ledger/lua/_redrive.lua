-- KEYS: rec st uncl meta
-- Send one dead letter again: a new life with a fresh budget, at its lane's tail. Return a word: ok, unclear (it may
-- double points: ask), no (not a dead letter), later (it is one since the moment of the choice, if there is one),
-- unreadable, broken (its lane is corrupt: mend first).
local function send_again(id, may_duplicate, line, at, moment)
  local record = C('HGET', REC, id)
  if not record then return 'no' end
  if came_later(id, moment) then return 'later' end
  local head, s = read_record(record), read_tried(C('HGET', ST, id))
  -- A copy of a parked event that may be with Gameball stays there, whatever became of the next one.
  local parked = head and head.park and s.c > 0 and s.reason ~= ''
  if (parked or C('ZSCORE', UNCL, id)) and not may_duplicate then return 'unclear' end
  if not head then return 'unreadable' end
  if type(redis.pcall('LLEN', lane_key(head.lane))) == 'table' then return 'broken' end
  local was = unfile_letter(id, head, s)
  if not was then return 'no' end
  count(was, -1)
  count('waiting', 1)
  count('redriven', 1)
  s.f, s.k, s.v, s.life, s.since = 0, 0, 0, s.life + 1, T
  s.reason, s.code, s.field, s.kind = '', '', '', ''
  write_tried(id, s)
  remember(id, line)
  join_lane(head.lane, id, at)
  return 'ok'
end

-- Remember until when redrives are spread: no step of the clock moved those lanes there.
local function spread_until(at)
  C('HSET', META, 'spread_until', math.max(at, tonumber(C('HGET', META, 'spread_until') or 0)))
end
