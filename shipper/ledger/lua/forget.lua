#!lua flags=allow-oom
-- Forget what is past retention, and bring back what a stepped clock moved out of reach.
-- INCLUDE: base count exported clip
-- KEYS: due lease hooks jdue gate rec fate ended exported idem idemx meta trail
-- ARGV: now, most of each, id retention ms, idempotency retention ms, lease ms, backoff cap ms,
--       share of maxmemory that the backlog may take (percent), hook lease ms, longest hold of the gate ms,
--       ms for which the audit log is kept, and what files have taken
-- RETURNS: {ids forgotten, keys forgotten, moments clipped}
local limit, retention, key_retention = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local COUNTER = {d = 'forgotten_delivered', x = 'forgotten_discarded', e = 'forgotten_expunged'}

-- Both lists are in the order of their ends, so only their heads are looked at. A head from a clock that was ahead
-- would hold up all behind it: it goes to the tail, as if it had ended now.
local clipped = 0
local function pass(list, gone, later)
  each('RPUSH', list, later)
  if gone + #later > 0 then C('LPOP', list, gone + #later) end
end

local ids, letters, later, fates = {}, {}, {}, {}
for _, id in ipairs(C('LRANGE', ENDED, 0, limit - 1)) do
  local fate = C('HGET', FATE, id) or ''
  local letter, at = string.match(fate, '^(%S) %S+ %d+ %d+ (%d+)')
  if (tonumber(at) or 0) > T then
    later[#later + 1] = id
    fates[#fates + 1], fates[#fates + 2] = id, string.gsub(fate, '^(%S %S+ %d+ %d+ )%d+', '%1' .. T)
  else
    if (tonumber(at) or 0) + retention > T then break end
    if COUNTER[letter] then count(COUNTER[letter], 1) end
    ids[#ids + 1], letters[#ids + 1] = id, letter
  end
end
each('HDEL', FATE, ids)
each('HSET', FATE, fates)
pass(ENDED, #ids, later)
clipped = clipped + #later

keep_exported(ids, letters, T - ARGV[10], limit)

-- A key that came only with a repeat is in no record: 0 until its event is found to have ended.
local function is_alive(key)
  local id = string.match(C('HGET', IDEM, key) or '', '^%S+')
  return id and C('HEXISTS', REC, id) == 1
end

local keys = {}
later = {}
for _, entry in ipairs(C('LRANGE', IDEMX, 0, limit - 1)) do
  local key, at = string.match(entry, '^(%S+) (%d+)$')
  if at == '0' then
    if #later >= limit / 4 then break end -- each is looked up twice
    later[#later + 1] = key .. (is_alive(key) and ' 0' or ' ' .. T)
  elseif (tonumber(at) or 0) > T then
    later[#later + 1] = key .. ' ' .. T
    clipped = clipped + 1
  else
    if (tonumber(at) or 0) + key_retention > T then break end
    keys[#keys + 1] = key or ''
  end
end
each('HDEL', IDEM, keys)
pass(IDEMX, #keys, later)
tally()

clipped = clipped + clip_moments(limit, ARGV[5], ARGV[6], ARGV[8], ARGV[9])
redis.pcall('XTRIM', TRAIL, 'MINID', math.max(T - ARGV[10], 0)) -- a forged one is left to who looks at it

local memory = redis.pcall('INFO', 'memory')
local most = type(memory) == 'string' and string.match(memory, 'maxmemory:(%d+)') or 0
C('HSET', META, 'most_bytes', math.floor(most * ARGV[7] / 100))
return {#ids, #keys, clipped}
