#!lua flags=allow-oom
-- Send dead letters again: each begins a new life with a fresh budget at its lane's tail. Spread, so that live
-- events keep at least half of the quota.
-- INCLUDE: base count bell record tried lane history letter
-- KEYS: rec st uncl meta
-- ARGV: now, spread ms, ms before the first (what earlier calls have spread), may duplicate (0 or 1), line for the
--       history, ids
-- RETURNS: a word for each id: ok, unclear (it may double points: ask), no (not a dead letter), unreadable,
--       broken (its lane is corrupt: mend first)
local spread, from, may_duplicate, reply, sent = tonumber(ARGV[2]), T + ARGV[3], ARGV[4] == '1', {}, 0

local function redrive(id)
  local record = C('HGET', REC, id)
  if not record then return 'no' end
  if C('ZSCORE', UNCL, id) and not may_duplicate then return 'unclear' end
  local head, s = read_record(record), read_tried(C('HGET', ST, id))
  if not head then return 'unreadable' end
  if type(redis.pcall('LLEN', lane_key(head.lane))) == 'table' then return 'broken' end
  local was = unfile_letter(id, head, s)
  if not was then return 'no' end
  count(was, -1)
  count('waiting', 1)
  count('redriven', 1)
  s.f, s.k, s.v, s.life, s.since, s.reason, s.code = 0, 0, 0, s.life + 1, T, '', ''
  write_tried(id, s)
  remember(id, ARGV[5])
  join_lane(head.lane, id, from + sent * spread)
  sent = sent + 1
  return 'ok'
end

for i = 6, #ARGV do reply[#reply + 1] = redrive(ARGV[i]) end
if sent > 0 then
  local until_ms = math.max(from + sent * spread, tonumber(C('HGET', META, 'spread_until') or 0))
  C('HSET', META, 'spread_until', until_ms)
end
tally()
ring()
return reply
