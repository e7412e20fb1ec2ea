-- KEYS: gate recent burst
-- One gate holds an account: why, until, step, need (successes that lift it), probe and pend (its lease's end).
-- While it holds, only the probe's answer may lengthen or lift it. ARGV from `policy` on: first pause ms, longest
-- pause ms, breaker's calls, breaker's window ms, customers refused in a row (0: never).
local FOR_EVER = '9007199254740991'
local UP = {accepted = true, already_applied = true, permanent = true, vague = true}
local DOWN = {unclear = true, not_sent = true, refused_for_now = true}
local HOLD = {throttled = true, credentials = true}

local function close_gate(why, wait, need)
  C('HSET', GATE, 'why', why, 'until', T + wait, 'step', wait, 'need', need)
  C('HDEL', GATE, 'probe', 'pend')
end

local function open_gate()
  C('DEL', GATE, RECENT, BURST)
end

-- Half of enough recent calls failing opens the breaker.
local function breaker_trips(policy)
  local calls, failed = 0, 0
  for _, entry in ipairs(C('LRANGE', RECENT, 0, -1)) do
    local at, down = string.match(entry, '^(%d+) (%d)')
    if tonumber(at) > T - policy.window then calls, failed = calls + 1, failed + down end
  end
  return calls >= policy.calls and failed * 2 >= calls
end

local function weigh_refusals(lane, verdict, policy)
  if verdict == 'accepted' then C('DEL', BURST) end
  if verdict ~= 'permanent' or policy.burst == 0 then return end
  C('SADD', BURST, lane)
  if C('SCARD', BURST) > policy.burst and C('HGET', GATE, 'why') ~= 'operator' then
    close_gate('refusals', 0, 1)
    C('HSET', GATE, 'until', FOR_EVER)
  end
end

local function answer_of_probe(gate, verdict, hold, policy)
  if UP[verdict] then
    if tonumber(gate[4]) <= 1 then return open_gate() end
    C('HSET', GATE, 'need', gate[4] - 1)
    C('HDEL', GATE, 'probe', 'pend')
  elseif HOLD[verdict] or DOWN[verdict] then
    local wait = math.min(gate[3] * 2, policy.longest)
    if verdict == 'throttled' then wait = hold end
    close_gate(HOLD[verdict] and verdict or gate[1], math.max(wait, 1), gate[4])
  else
    C('HDEL', GATE, 'probe', 'pend')
  end
end

local function weigh(lane, token, verdict, hold, policy)
  local gate = C('HMGET', GATE, 'why', 'probe', 'step', 'need')
  if gate[1] then
    if gate[2] == token then answer_of_probe(gate, verdict, hold, policy) end
  elseif HOLD[verdict] then
    close_gate(verdict, verdict == 'throttled' and hold or policy.first, 1)
  elseif UP[verdict] or DOWN[verdict] then
    C('LPUSH', RECENT, T .. ' ' .. (DOWN[verdict] and 1 or 0))
    C('LTRIM', RECENT, 0, 99)
    if DOWN[verdict] and breaker_trips(policy) then close_gate('breaker', policy.first, 3) end
  end
  weigh_refusals(lane, verdict, policy)
end
