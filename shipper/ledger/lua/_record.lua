-- A record is `1|lane|at|key|fp|names|sig|flags|hook|head_len` NUL body; every field has a closed alphabet. Before
-- the NUL, `|context` may stand: no script needs it, so it costs a record without one nothing.
local RECORD = '^1|([^|]+)|(%d+)|([^|]*)|([^|]+)|([^|]+)|([^|]+)|([^|]+)|([^|]*)|%d+()[|%z]'
local CONTEXT = '^|[%w%%&=._~-]+()'
local OVERHEAD = 600 -- what Redis pays for an event beside its record, in bytes: `make bench`

-- Return the record's header, or nil for what this version cannot read.
local function read_record(record)
  local lane, at, key, fp, names, sig, flags, hook, stop = string.match(record, RECORD)
  -- Without %z in its sets the pattern takes half the time; the first NUL is looked for instead.
  local nul = lane and string.find(record, '\0', 1, true)
  if not nul or nul ~= stop and string.match(record, CONTEXT, stop) ~= nul then return nil end
  local park, solo = false, false
  if flags ~= '-' then
    park, solo = string.find(flags, 'p', 1, true) ~= nil, string.find(flags, 's', 1, true) ~= nil
  end
  return {lane = lane, at = tonumber(at), key = key, fp = fp, names = names, sig = sig, hook = hook,
    park = park, solo = solo}
end

-- The header of a record that cannot be read, so that it can still be a dead letter and be discarded: every format
-- begins with its version and the lane.
local function header_of(record)
  local lane = string.match(record, '^%d+|([A-Za-z0-9_-]+)|') or '-'
  return read_record(record) or {lane = lane, at = T, key = '', fp = '-', names = '-', sig = '-', hook = ''}
end
