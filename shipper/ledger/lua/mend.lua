#!lua flags=allow-oom
-- Put one lane right: build its list anew from the ids that belong to it, in order, and let it be due. What no
-- version can read becomes a dead letter; what a newer version wrote keeps the lane in quarantine.
-- INCLUDE: base count bell record tried lane history letter hook fail
-- KEYS: rec dead uncl broken
-- ARGV: now, lane, ids in order; what joined the lane since somebody looked for them is kept behind them
-- RETURNS: {word, events kept, events dead as unreadable}: mended, leased (wait for its call), newer
local lane, ids, met, kept, unreadable = ARGV[2], {}, {}, {}, {}
if C('ZSCORE', LEASE, lane) then return {'leased', 0, 0} end
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
local listed = redis.pcall('LRANGE', lane_key(lane), 0, -1)
for _, id in ipairs(listed.err and {} or listed) do ids[#ids + 1] = id end
for _, id in ipairs(ids) do
  local record = not met[id] and C('HGET', REC, id)
  met[id] = true
  if record and not C('ZSCORE', DEAD, id) and not C('ZSCORE', UNCL, id) then
    local version = tonumber(string.match(record, '^(%d+)|'))
    if version and version > 1 then return {'newer', 0, 0} end
    local into = read_record(record) and kept or unreadable
    into[#into + 1] = id
  end
end
C('DEL', lane_key(lane))
each('RPUSH', lane_key(lane), kept)
C('SREM', BROKEN, lane)
C('ZREM', DUE, lane)
for _, id in ipairs(unreadable) do
  local s = read_tried(C('HGET', ST, id))
  s.reason, s.code, s.field, s.kind = 'unreadable', '-', '-', 'none'
  bury(id, s, C('HGET', REC, id), false, '')
  count('waiting', -1)
end
if #kept > 0 then C('ZADD', DUE, T, lane) end
tally()
ring()
return {'mended', #kept, #unreadable}
