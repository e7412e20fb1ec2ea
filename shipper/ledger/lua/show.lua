#!lua flags=no-writes
-- Tell all that the ledger holds of some events.
-- INCLUDE: base record call
-- KEYS: rec st why fate calls due dead uncl
-- ARGV: now, ids
-- RETURNS: for each id {state, record, tried, history, fate, call, due at, ended at}, each '' where there is none
local function place_of(id, record)
  local head = header_of(record)
  local call = C('HGET', CALLS, head.lane)
  local dead, uncl = C('ZSCORE', DEAD, id), C('ZSCORE', UNCL, id)
  if dead then return 'dead', '', '', dead end
  if uncl then return 'unclear', '', '', uncl end
  if read_call(call).numbers[id] then return 'in_flight', call, '', '' end
  return 'waiting', '', C('ZSCORE', DUE, head.lane) or '', ''
end

local STATE = {d = 'delivered', x = 'discarded', e = 'expunged'}
local reply = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local record, fate = C('HGET', REC, id), C('HGET', FATE, id)
  if record then
    local state, call, due, ended = place_of(id, record)
    reply[#reply + 1] = {state, record, C('HGET', ST, id) or '', C('HGET', WHY, id) or '', '', call, due, ended}
  elseif fate then
    reply[#reply + 1] = {STATE[string.sub(fate, 1, 1)], '', '', '', fate, '', '', ''}
  else
    reply[#reply + 1] = {'', '', '', '', '', '', '', ''}
  end
end
return reply
