-- A record is `1|lane|at|key|fp|names|sig|flags|hook|head_len` NUL body; every field has a closed alphabet.
local RECORD = '^1|([^|%z]+)|(%d+)|([^|%z]*)|([^|%z]+)|([^|%z]+)|([^|%z]+)|([^|%z]+)|([^|%z]*)|%d+%z'
local OVERHEAD = 600 -- what Redis pays for an event beside its record, in bytes: `make bench`

-- Return the record's header, or nil for what this version cannot read.
local function read_record(record)
  local lane, at, key, fp, names, sig, flags, hook = string.match(record, RECORD)
  if not lane then return nil end
  return {lane = lane, at = tonumber(at), key = key, fp = fp, names = names, sig = sig, hook = hook,
    park = string.find(flags, 'p', 1, true) ~= nil, solo = string.find(flags, 's', 1, true) ~= nil}
end

-- The header of a record that cannot be read, so that it can still be a dead letter and be discarded: every format
-- begins with its version and the lane.
local function header_of(record)
  local lane = string.match(record, '^%d+|([A-Za-z0-9_-]+)|') or '-'
  return read_record(record) or {lane = lane, at = T, key = '', fp = '-', names = '-', sig = '-', hook = ''}
end
