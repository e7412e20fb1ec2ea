#!lua flags=allow-oom
-- Forget what is past retention, and bring back what a stepped clock moved out of reach.
-- INCLUDE: base count
-- KEYS: due lease hooks jdue gate rec fate ended exported idem idemx meta trail
-- ARGV: now, most of each, id retention ms, idempotency retention ms, lease ms, backoff cap ms,
--       share of maxmemory that the backlog may take (percent), hook lease ms, longest hold of the gate ms,
--       ms for which the audit log is kept, and what files have taken
-- RETURNS: {ids forgotten, keys forgotten, moments clipped}
local limit, retention, key_retention = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local COUNTER = {d = 'forgotten_delivered', x = 'forgotten_discarded', e = 'forgotten_expunged'}

-- Both lists are in the order of their ends, so only their heads are looked at.
local ids, letters = {}, {}
for _, id in ipairs(C('LRANGE', ENDED, 0, limit - 1)) do
  local letter, at = string.match(C('HGET', FATE, id) or '', '^(%S) %S+ %d+ %d+ (%d+)')
  if (tonumber(at) or 0) + retention > T then break end
  if COUNTER[letter] then count(COUNTER[letter], 1) end
  ids[#ids + 1], letters[#ids + 1] = id, letter
end
each('HDEL', FATE, ids)
if #ids > 0 then C('LPOP', ENDED, #ids) end

-- A file may still hold what was delivered: it must not bring it back. What was discarded may come back.
if #ids > 0 and C('EXISTS', EXPORTED) == 1 then
  for i, id in ipairs(ids) do
    if letters[i] == 'x' then
      C('ZREM', EXPORTED, id)
    elseif C('ZSCORE', EXPORTED, id) then
      C('ZADD', EXPORTED, -T, id)
    end
  end
end
local oldest = T - ARGV[10]
for _, id in ipairs(C('ZRANGE', EXPORTED, -oldest, oldest, 'BYSCORE', 'LIMIT', 0, limit)) do
  if C('HEXISTS', REC, id) + C('HEXISTS', FATE, id) > 0 then
    C('ZADD', EXPORTED, T, id) -- it has not ended, or not long ago
  else
    C('ZREM', EXPORTED, id)
  end
end

local keys = {}
for _, entry in ipairs(C('LRANGE', IDEMX, 0, limit - 1)) do
  local key, at = string.match(entry, '^(%S+) (%d+)$')
  if (tonumber(at) or 0) + key_retention > T then break end
  keys[#keys + 1] = key or ''
end
each('HDEL', IDEM, keys)
if #keys > 0 then C('LPOP', IDEMX, #keys) end
tally()

local clipped = 0
local function clip(key, latest)
  for _, lane in ipairs(C('ZRANGE', key, '(' .. latest, '+inf', 'BYSCORE', 'LIMIT', 0, limit)) do
    C('ZADD', key, latest, lane)
    clipped = clipped + 1
  end
end
clip(LEASE, T + 2 * ARGV[5])
clip(HOOKS, T + math.max(ARGV[6], ARGV[8])) -- a lease of a living teller is not ahead of its time
clip(JDUE, T + 1000) -- a job's next step is never further away
clip(DUE, math.max(T + ARGV[6], tonumber(C('HGET', META, 'spread_until') or 0)))

-- What only a person opens again stays as it was said; a probe under way is a call like any other.
local function clip_gate(field, latest)
  if tonumber(C('HGET', GATE, field) or 0) <= latest then return end
  C('HSET', GATE, field, latest)
  clipped = clipped + 1
end
local why = C('HGET', GATE, 'why')
if why ~= 'operator' and why ~= 'refusals' then clip_gate('until', T + ARGV[9]) end
clip_gate('pend', T + 2 * ARGV[5])

redis.pcall('XTRIM', TRAIL, 'MINID', math.max(T - ARGV[10], 0)) -- a forged one is left to who looks at it

local memory = redis.pcall('INFO', 'memory')
local most = type(memory) == 'string' and string.match(memory, 'maxmemory:(%d+)') or 0
C('HSET', META, 'most_bytes', math.floor(most * ARGV[7] / 100))
return {#ids, #keys, clipped}
