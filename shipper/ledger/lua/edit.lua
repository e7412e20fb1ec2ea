#!lua flags=allow-oom
-- Change what a dead letter says and send it again, both or neither. Its id, lane, time, key and fingerprint stay: a
-- producer that tries again with what it first said is told so, not refused. Hook jobs keep what their life said.
-- INCLUDE: base count bell record tried lane history letter trail redrive
-- KEYS: rec st dead uncl
-- ARGV: now, id, SHA-1 of the record as it was read, its life then, may duplicate (0 or 1), line for the history,
--       deed or '', tail of header, body
-- RETURNS: ok, changed (since it was read), unclear, no, unreadable, broken
local id = ARGV[2]
local record, s = C('HGET', REC, id), read_tried(C('HGET', ST, id))
if not record or not (C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id)) then return 'no' end
if redis.sha1hex(record) ~= ARGV[3] or s.life ~= tonumber(ARGV[4]) then return 'changed' end
local word = send_again(id, ARGV[5] == '1', ARGV[6], T)
if word == 'ok' then
  local head = read_record(record)
  local edited = '1|' .. head.lane .. '|' .. head.at .. '|' .. head.key .. '|' .. head.fp .. '|' .. ARGV[8] ..
    '\0' .. ARGV[9]
  C('HSET', REC, id, edited)
  count('bytes', #edited - #record)
  count('edited', 1)
  note(ARGV[7], 1, {id})
end
tally()
ring()
return word
