#!lua flags=no-writes
-- Look for the place of some events that a walk over the lanes did not meet.
-- INCLUDE: base record
-- KEYS: rec dead uncl
-- ARGV: now, ids
-- RETURNS: a word for each: gone, dead, unclear, lane, unreadable, nowhere
local function place_of(id)
  local record = C('HGET', REC, id)
  if not record then return 'gone' end
  if C('ZSCORE', DEAD, id) then return 'dead' end
  if C('ZSCORE', UNCL, id) then return 'unclear' end
  local head = read_record(record)
  if not head then return 'unreadable' end
  local at = redis.pcall('LPOS', lane_key(head.lane), id)
  if type(at) == 'table' then return 'lane' end -- quarantined: told of by its lane
  return at and 'lane' or 'nowhere'
end

local reply = {}
for i = 2, #ARGV do reply[#reply + 1] = place_of(ARGV[i]) end
return reply
