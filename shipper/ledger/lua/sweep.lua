#!lua flags=allow-oom
-- End leases that ran out, reserve tickets for the pumps that are wanted, and tell how things stand.
-- After an outage of Redis itself nothing expires before a grace is over: living workers settle first.
-- INCLUDE: base count bell record tried call lane history letter hook fail expire tickets witness flow
-- KEYS: due lease gate pumps tellers crew hooks meta
-- ARGV: now, most lanes, absence ms that counts as an outage, grace ms, backoff ms, most crashes in a row,
--       ticket ms, calls a pump, most pumps a worker, most tellers, the highest turn seen, hold after a restart ms,
--       this worker if it runs pumps ('' if not), when it last swept (0: never),
--       number of pump tickets, the tickets, teller tickets
-- RETURNS: {lanes due, oldest due or false, leased, next due or false, until (0: open), why, pump tickets reserved,
--       teller tickets reserved, lanes expired, turn, pumps that have claimed, now}
local limit, absence, grace, backoff, crashes =
  tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local had = C('HMGET', META, 'swept', 'sampled')
local last = tonumber(had[1] or T)
C('HSET', META, 'swept', T)
if type(redis.pcall('LLEN', BELL)) == 'table' then C('DEL', BELL) end -- forged: of another type

local turn = witness(tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13], tonumber(ARGV[14]))

if T - last > absence then
  for _, lane in ipairs(C('ZRANGE', LEASE, '-inf', T + grace, 'BYSCORE')) do C('ZADD', LEASE, T + grace, lane) end
  local pend = C('HGET', GATE, 'pend')
  if pend and tonumber(pend) <= T + grace then C('HSET', GATE, 'pend', T + grace) end
end
local expired = C('ZRANGE', LEASE, '-inf', T, 'BYSCORE', 'LIMIT', 0, limit)
for _, lane in ipairs(expired) do expire_lane(lane, backoff, crashes) end
if #expired > 0 then ring() end
tally()

local due = C('ZCOUNT', DUE, '-inf', T)
local gate = C('HMGET', GATE, 'until', 'pend', 'why')
local held = gate[1] and math.max(tonumber(gate[1]), tonumber(gate[2] or 0)) or 0
local crew = muster(ARGV[13], 2 * ARGV[7])
local wanted = math.min(math.ceil(due / ARGV[8]), ARGV[9] * math.max(crew, 1))
if held > T then wanted = 0 end
-- Who lives and leaves a job waiting is busy in a hook, or was killed in one: that job needs another.
local waits = C('ZCOUNT', HOOKS, '-inf', T - 1000)
waits = waits > 0 and waits + C('ZCOUNT', TELLERS, '(' .. T, '+inf') or 0
local told = math.min(math.max(C('ZCOUNT', HOOKS, '-inf', T), waits), tonumber(ARGV[10]))
local split = 16 + ARGV[15]
local pumps = reserve(PUMPS, wanted, 16, split - 1, ARGV[7])
local tellers = reserve(TELLERS, told, split, #ARGV, ARGV[7])
local first = C('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2] or false
local running = C('ZCOUNT', PUMPS, '(' .. (T + ARGV[7]), '+inf')
local leased = C('ZCARD', LEASE)
sample(had[2], {'due', due, 'oldest_ms', due > 0 and T - first or 0, 'leased', leased, 'held', held > T and 1 or 0,
  'workers', crew, 'pumps', running})
return {due, due > 0 and first, leased, first, held, gate[3] or '', pumps, tellers, #expired, turn,
  running, T}
