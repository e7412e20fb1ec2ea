#!lua
-- Accept events. Reads and decides everything first, then writes in an order of which every prefix is harmless:
-- a lane that is due too early is looked at and dropped, a record outside its lane is housed by the next try.
-- INCLUDE: base count bell record lane house
-- KEYS: fate idem idemx meta
-- ARGV: now, most events, most bytes (0: what the sweep found), id retention ms, how far ahead an id may
--       be born ms, atomic (0 or 1), then for each event: id, born ms ('' unless the caller chose the id), lane, key,
--       fp, tail of header, body
-- RETURNS: word, id for each event: ok, dup (the id is the earlier event's), conflict, full, stale (born before
--       the retention), early (born in the future), broken (its lane is corrupt), withheld (atomic, others failed)
local most, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local retention, ahead, atomic = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local had = C('HMGET', N, 'waiting', 'in_flight', 'bytes')
if most_bytes == 0 then most_bytes = tonumber(C('HGET', META, 'most_bytes') or 0) end
local room = most - (had[1] or 0) - (had[2] or 0)
local space = most_bytes > 0 and most_bytes - (had[3] or 0) or math.huge
local by_id, by_key = {}, {}

local function event_at(i)
  return {id = ARGV[i], born = tonumber(ARGV[i + 1]), lane = ARGV[i + 2], key = ARGV[i + 3], fp = ARGV[i + 4],
    tail = ARGV[i + 5], body = ARGV[i + 6], cost = 0}
end

-- Return the id and fingerprint of the event that already has this id or idempotency key.
local function earlier(e)
  local held = e.key ~= '' and (by_key[e.key] or C('HGET', IDEM, e.key))
  if held then return string.match(held, '^(%S+) (%S+)') end
  if by_id[e.id] then return e.id, by_id[e.id] end
  local record = C('HGET', REC, e.id)
  if record then return e.id, header_of(record).fp end
  local fate = C('HGET', FATE, e.id)
  if fate then return e.id, string.match(fate, '^%S+ (%S+)') end
end

local function judge(e)
  local id, fp = earlier(e)
  if id and fp == e.fp then by_key[e.key] = id .. ' ' .. fp end
  if id then return fp == e.fp and 'dup' or 'conflict', id end
  if e.born and e.born < T - retention then return 'stale', e.id end
  if e.born and e.born > T + ahead then return 'early', e.id end
  if type(redis.pcall('LLEN', lane_key(e.lane))) == 'table' then return 'broken', e.id end
  e.record = '1|' .. e.lane .. '|' .. T .. '|' .. e.key .. '|' .. e.fp .. '|' .. e.tail .. '\0' .. e.body
  e.cost = #e.record + OVERHEAD
  if room < 1 or space < e.cost then return 'full', e.id end
  room, space = room - 1, space - e.cost
  by_id[e.id] = e.fp
  if e.key ~= '' then by_key[e.key] = e.id .. ' ' .. e.fp end
  return 'ok', e.id
end

local events, reply, failed = {}, {}, false
for i = 7, #ARGV, 7 do
  local e = event_at(i)
  e.word, e.answer = judge(e)
  failed = failed or not (e.word == 'ok' or e.word == 'dup')
  events[#events + 1] = e
end
for _, e in ipairs(events) do
  if atomic and failed and (e.word == 'ok' or e.word == 'dup' and by_id[e.answer]) then
    e.word = 'withheld' -- the twin of a withheld event is no duplicate: nothing was accepted
  elseif e.word == 'ok' then
    if not C('ZSCORE', LEASE, e.lane) and C('SISMEMBER', BROKEN, e.lane) == 0 then C('ZADD', DUE, 'NX', T, e.lane) end
    C('HSET', REC, e.id, e.record)
    if e.key ~= '' then C('HSET', IDEM, e.key, e.id .. ' ' .. e.fp) end
    C('RPUSH', lane_key(e.lane), e.id)
    count('accepted', 1)
    count('waiting', 1)
    count('bytes', e.cost)
  elseif e.word == 'dup' then
    house(e.answer)
    if e.key ~= '' and not C('HGET', IDEM, e.key) then
      C('HSET', IDEM, e.key, by_key[e.key])
      C('RPUSH', IDEMX, e.key .. ' ' .. T) -- its record has no such key, so the key ages from now
    end
  end
  reply[#reply + 1], reply[#reply + 2] = e.word, e.answer
end
tally()
if next(by_id) and not (atomic and failed) then ring() end
return reply
