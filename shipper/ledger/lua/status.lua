#!lua flags=no-writes
-- Tell how an account stands, by its counters and the sizes of its structures; nothing is scanned.
-- INCLUDE: base
-- KEYS: n due lease calls gate rec dead uncl fate ended pumps tellers hooks hf broken meta pace crew
-- ARGV: now
-- RETURNS: {now, counters, gate, meta, sizes by name, oldest due or false, pumps alive, oldest hook due or false}
local sizes = {
  'rec', C('HLEN', REC), 'dead', C('ZCARD', DEAD), 'unclear', C('ZCARD', UNCL), 'fate', C('HLEN', FATE),
  'ended', C('LLEN', ENDED), 'lease', C('ZCARD', LEASE), 'calls', C('HLEN', CALLS), 'due', C('ZCARD', DUE),
  'due_now', C('ZCOUNT', DUE, '-inf', T), 'hooks', C('ZCARD', HOOKS), 'hooks_failed', C('ZCARD', HF),
  'broken', C('SCARD', BROKEN), 'tellers', C('ZCOUNT', TELLERS, T, '+inf'),
  'workers', C('ZCOUNT', CREW, T, '+inf'),
  'pace_1s', C('ZCOUNT', PACE, '(' .. (T - 1000), T), 'pace_30s', C('ZCOUNT', PACE, '(' .. (T - 30000), T)}
local hook = C('ZRANGE', HOOKS, '-inf', T, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2] or false
local oldest = C('ZRANGE', DUE, '-inf', T, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2] or false
return {T, C('HGETALL', N), C('HGETALL', GATE), C('HGETALL', META), sizes, oldest, C('ZCOUNT', PUMPS, T, '+inf'),
  hook}
