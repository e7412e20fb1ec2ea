#!lua flags=allow-oom
-- Change what dead letters say and send them again, of each both or neither. Id, lane, time, key and fingerprint stay: a
-- producer that tries again with what it first said is told so, not refused. Hook jobs keep what their life said.
-- Several are spread as a redrive is.
-- INCLUDE: base count bell record tried lane history letter trail later redrive
-- KEYS: rec st dead uncl meta
-- ARGV: now, spread ms, ms before the first (what earlier calls have spread), may duplicate (0 or 1), deed or '', then
--       for each letter: id, SHA-1 of the record as it was read, its life then, line for the history, tail of header,
--       body
-- RETURNS: a word for each letter: ok, changed (since it was read), unclear, no, unreadable, broken
local spread, from, reply, sent = tonumber(ARGV[2]), T + ARGV[3], {}, {}

local function edit(id, sha, life, line, tail, body)
  local record, s = C('HGET', REC, id), read_tried(C('HGET', ST, id))
  if not record or not (C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id)) then return 'no' end
  if redis.sha1hex(record) ~= sha or s.life ~= tonumber(life) then return 'changed' end
  local word = send_again(id, ARGV[4] == '1', line, from + #sent * spread)
  if word ~= 'ok' then return word end
  local head = read_record(record)
  local edited = '1|' .. head.lane .. '|' .. head.at .. '|' .. head.key .. '|' .. head.fp .. '|' .. tail .. '\0' .. body
  C('HSET', REC, id, edited)
  count('bytes', #edited - #record)
  count('edited', 1)
  return 'ok'
end

for i = 6, #ARGV, 6 do
  local word = edit(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
  reply[#reply + 1] = word
  if word == 'ok' then sent[#sent + 1] = ARGV[i] end
end
if #sent > 0 then
  if spread > 0 then spread_until(from + #sent * spread) end
  note(ARGV[5], #sent, sent)
  ring()
end
tally()
return reply
