-- KEYS: gate burst
-- One gate holds an account: why, until, step, need (successes that lift it), probe and pend (its lease's end).
-- While it holds, only the probe's answer may lengthen or lift it, and says why it goes on: a Gameball that fails is
-- the breaker's, whatever held before. ARGV from `policy` on: first pause ms, longest pause ms, breaker's calls,
-- breaker's window ms, customers refused in a row (0: never).
local FOR_EVER = '9007199254740991'
local UP = {accepted = true, already_applied = true, permanent = true, vague = true}
local DOWN = {unclear = true, not_sent = true, refused_for_now = true}
local HOLD = {throttled = true, credentials = true}

local held -- the gate as it was read; nothing in a settle but what is below changes it
local burst_is_empty = false

local function close_gate(why, wait, need)
  held = nil
  C('HSET', GATE, 'why', why, 'until', T + wait, 'step', wait, 'need', need)
  C('HDEL', GATE, 'probe', 'pend')
end

local function open_gate()
  held = nil
  forget_notes()
  C('DEL', GATE, BURST)
end

local function weigh_refusals(lane, verdict, policy)
  if verdict == 'accepted' and not burst_is_empty then
    C('DEL', BURST)
    burst_is_empty = true
  end
  if verdict ~= 'permanent' or policy.burst == 0 then return end
  burst_is_empty = false
  C('SADD', BURST, lane)
  if C('SCARD', BURST) > policy.burst and C('HGET', GATE, 'why') ~= 'operator' then
    close_gate('refusals', 0, 1)
    C('HSET', GATE, 'until', FOR_EVER)
  end
end

local function answer_of_probe(gate, verdict, hold, policy)
  held = nil
  if UP[verdict] then
    if tonumber(gate[4]) <= 1 then return open_gate() end
    C('HSET', GATE, 'need', gate[4] - 1)
    C('HDEL', GATE, 'probe', 'pend')
  elseif HOLD[verdict] or DOWN[verdict] then
    local wait = math.min(gate[3] * 2, policy.longest)
    if verdict == 'throttled' then wait = hold end
    close_gate(HOLD[verdict] and verdict or 'breaker', math.max(wait, 1), gate[4])
  else
    C('HDEL', GATE, 'probe', 'pend')
  end
end

local function weigh(lane, token, verdict, hold, policy)
  held = held or C('HMGET', GATE, 'why', 'probe', 'step', 'need')
  local gate = held
  if gate[1] then
    if gate[2] == token then answer_of_probe(gate, verdict, hold, policy) end
  elseif HOLD[verdict] then
    close_gate(verdict, verdict == 'throttled' and hold or policy.first, 1)
  elseif UP[verdict] or DOWN[verdict] then
    note(DOWN[verdict] and 1 or 0)
    if DOWN[verdict] then
      if breaker_trips(policy) then close_gate('breaker', policy.first, 3) end
    end
  end
  weigh_refusals(lane, verdict, policy)
end
