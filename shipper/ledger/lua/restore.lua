#!lua
-- Take dead letters in that another ledger, or this one at another time, gave out: with their numbers, history and
-- times, as if they had died here; their history tells since when they are here. What is known here is left, and so is
-- what was delivered or expunged here since a file took it. Like an enqueue it is refused where there is no room.
-- INCLUDE: base count record tried history letter trail
-- KEYS: rec st why fate exported idem meta
-- ARGV: now, deed or '', then for each letter: id, dead or unclear, ms at which it became so, record, numbers, history
-- RETURNS: a word for each: ok, known (the id), key (its idempotency key is remembered here, by another event or
--       until its retention ends), full
local most, held = tonumber(C('HGET', META, 'most_bytes') or 0), tonumber(C('HGET', N, 'bytes') or 0)
local reply, taken = {}, {}
local by = ARGV[2] ~= '' and ',"by":' .. cjson.encode(cjson.decode(ARGV[2]).by) or ''
local line = '{"at":' .. T .. ',"outcome":"imported"' .. by .. '}'

local function restore(id, state, at, record, numbers, history)
  local head, cost = header_of(record), #record + OVERHEAD
  local holder = head.key ~= '' and C('HGET', IDEM, head.key)
  if C('HGET', REC, id) or C('HGET', FATE, id) then return 'known' end
  if tonumber(C('ZSCORE', EXPORTED, id) or 0) < 0 then return 'known' end
  if holder then return 'key' end
  if most > 0 and held + cost > most then return 'full' end
  held = held + cost
  if head.key ~= '' then C('HSET', IDEM, head.key, id .. ' ' .. head.fp) end
  local s = read_tried(numbers)
  if s.field == '' then s.field, s.kind = '-', 'none' end -- given out before letters had them
  write_tried(id, s)
  if history ~= '' then C('HSET', WHY, id, history) end
  remember(id, line)
  file_letter(id, head, s, state == 'unclear', at)
  C('HSET', REC, id, record)
  C('ZADD', EXPORTED, T, id)
  count('accepted', 1)
  count(state, 1)
  count('bytes', cost)
  count('restored', 1)
  return 'ok'
end

for i = 3, #ARGV, 6 do
  local word = restore(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
  reply[#reply + 1] = word
  if word == 'ok' then taken[#taken + 1] = ARGV[i] end
end
if #taken > 0 then note(ARGV[2], #taken, taken) end
tally()
return reply
