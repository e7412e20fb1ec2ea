#!lua flags=no-writes
-- Tell all that an account's ledger holds at one moment. For the simulator alone: it walks every key.
-- KEYS: rec st why due lease calls broken fate ended idem idemx dead uncl dx groups people fields kinds
-- KEYS: hooks hj hl hf pace gate recent burst pumps crew n bell exported jdue
-- ARGV: now
-- RETURNS: {lane, its ids or false when it is no list, ...}, then the content of the other keys as keys.py lists them
local function zset(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
local function hash(key) return redis.call('HGETALL', key) end
local function list(key) return redis.call('LRANGE', key, 0, -1) end
local lanes = {}
for _, key in ipairs(redis.call('KEYS', P .. 'l:*')) do
  local ids = redis.pcall('LRANGE', key, 0, -1)
  lanes[#lanes + 1] = string.sub(key, #P + 3)
  lanes[#lanes + 1] = not ids.err and ids
end
local bell = redis.pcall('LLEN', BELL)
return {lanes, hash(REC), hash(ST), hash(WHY), zset(DUE), zset(LEASE), hash(CALLS), redis.call('SMEMBERS', BROKEN),
  hash(FATE), list(ENDED), hash(IDEM), list(IDEMX), zset(DEAD), zset(UNCL), redis.call('ZRANGE', DX, 0, -1),
  hash(GROUPS), hash(PEOPLE), hash(FIELDS), hash(KINDS), zset(HOOKS), hash(HJ), hash(HL), zset(HF), zset(PACE),
  hash(GATE), list(RECENT), redis.call('SMEMBERS', BURST), zset(PUMPS), zset(CREW), hash(N), type(bell) == 'number' and bell or -1,
  zset(EXPORTED), zset(JDUE)}
