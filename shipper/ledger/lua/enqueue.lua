#!lua
-- Accept events. Reads and decides everything first, then writes in an order of which every prefix is harmless:
-- a lane that is due too early is looked at and dropped, a record outside its lane is housed by the next try.
-- INCLUDE: base bell record idle earlier
-- KEYS: n rec due lease broken fate idem idemx meta dead uncl
-- ARGV: now, most events, most bytes (0: what the sweep found), id retention ms, how far ahead an id may
--       be born ms, atomic (0 or 1), then for each event: id, born ms ('' for an id made for this very call, which
--       nothing can have), lane, the rest of its record: |key|fp|..|head_len NUL body
-- RETURNS: ok if that is the word for every event, else word, id for each: ok, dup (the id is the earlier event's),
--       conflict, full, stale (born before the retention), early (in the future), broken (lane), withheld (atomic)
local most_bytes, text = tonumber(ARGV[3]), string.format
local had = C('HMGET', N, 'accepted', 'waiting', 'in_flight', 'bytes')
if most_bytes == 0 then most_bytes = tonumber(C('HGET', META, 'most_bytes') or 0) end
local waiting, bytes, added = had[2] or 0, had[4] or 0, 0
local room = ARGV[2] - waiting - (had[3] or 0)
local space = most_bytes > 0 and most_bytes - bytes or math.huge
local at = text('%d', T) -- a third of what Redis pays for writing a number itself
local records, ids, lanes, in_lane, keys, dups, reply, failed = {}, {}, {}, {}, {}, {}, {}, false

local function length(lane)
  return in_lane[lane] or redis.pcall('LLEN', lane_key(lane))
end

local function judge(id, born, lane, rest)
  local key, fp = '', nil
  if born or string.sub(rest, 2, 2) ~= '|' then
    key, fp = string.match(rest, '^|([^|]*)|([^|]*)')
    local held, held_fp = earlier(id, born, key)
    if held and held_fp ~= fp then return 'conflict', held end
    if held then
      by_key[key], dups[#dups + 1] = held .. ' ' .. fp, {id = held, key = key}
      local home = not by_id[held] and homeless(held)
      if home then ids[#ids + 1], lanes[#lanes + 1], in_lane[home] = held, home, length(home) end
      return 'dup', held
    end
    if born and born < T - ARGV[4] then return 'stale', id end
    if born and born > T + ARGV[5] then return 'early', id end
  end
  in_lane[lane] = length(lane)
  if type(in_lane[lane]) == 'table' then return 'broken', id end
  local record = '1|' .. lane .. '|' .. at .. rest
  local cost = #record + OVERHEAD
  if room < 1 or space < cost then return 'full', id end
  room, space, added = room - 1, space - cost, added + cost
  records[#records + 1], records[#records + 2], ids[#ids + 1], lanes[#lanes + 1] = id, record, id, lane
  by_id[id] = rest
  if key ~= '' then by_key[key], keys[#keys + 1], keys[#keys + 2] = id .. ' ' .. fp, key, id .. ' ' .. fp end
  return 'ok', id
end

for i = 7, #ARGV, 4 do
  local word, id = judge(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3])
  failed = failed or not (word == 'ok' or word == 'dup')
  reply[#reply + 1], reply[#reply + 2] = word, id
end
if failed and ARGV[6] == '1' then
  for i = 1, #reply, 2 do -- the twin of a withheld event is no duplicate: nothing was accepted
    if reply[i] == 'ok' or reply[i] == 'dup' and by_id[reply[i + 1]] then reply[i] = 'withheld' end
  end
  return reply
end

local due = due_of(lanes, in_lane, at)
each('ZADD', DUE, due)
each('HSET', REC, records)
each('HSET', IDEM, keys)
for i, lane in ipairs(lanes) do C('RPUSH', lane_key(lane), ids[i]) end
for _, dup in ipairs(dups) do
  if dup.key ~= '' and not C('HGET', IDEM, dup.key) then
    C('HSET', IDEM, dup.key, by_key[dup.key])
    C('RPUSH', IDEMX, dup.key .. ' 0') -- its record has no such key, so forget looks when the event has ended
  end
end
local new = #records / 2
if new > 0 then
  C('HSET', N, 'accepted', text('%d', (had[1] or 0) + new), 'waiting', text('%d', waiting + new),
    'bytes', text('%d', bytes + added))
end
if #due > 0 then ring() end -- a lane that was due, or leased, has been rung for or will be
return (failed or #dups > 0) and reply or 'ok'
