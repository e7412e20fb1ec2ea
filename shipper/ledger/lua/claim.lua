#!lua flags=allow-oom
-- Lease as many due lanes as slots, pace and gate allow; of each the run that may share a call. Asked again with
-- the same tokens it gives the same calls. Nothing is written per event.
-- INCLUDE: base count record tried call lane place void resent pace run
-- KEYS: rec st gate pumps
-- ARGV: now, worker, ticket, beat ms, most events, most bytes, lease ms, window 1 s, limit, window 30 s, limit,
--       how much later than these windows allow for a call may leave, number of void tokens, the void tokens, a
--       fresh token for each slot
-- RETURNS: {calls, now, {lane, token, id, number, tried, record, ...}, ...} | {idle, now, next due or false} |
--       {pace, now, at} | {paused, now, until, why} | {retired, now}: the ticket has run out
local worker, ticket, beat = ARGV[2], ARGV[3], tonumber(ARGV[4])
local most, most_bytes, lease = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local w1, l1, w30, l30 = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local late, first = tonumber(ARGV[12]), 14 + ARGV[13]
local slots, limited = #ARGV - first + 1, l1 > 0 or l30 > 0

local ENOUGH = 512 -- events in one claim: it takes about 10 µs for each, and who has free slots asks again

if first > 14 then
  local void = {}
  for i = 14, first - 1 do void[ARGV[i]] = true end
  void_calls(void)
  mark_void(14, first - 1)
  tally()
end
if ticket ~= '' then
  if tonumber(C('ZSCORE', PUMPS, ticket) or 0) <= T then C('ZREM', PUMPS, ticket) return {'retired', T} end
  C('ZADD', PUMPS, T + beat, ticket)
end
if slots > 0 and C('ZSCORE', PACE, ARGV[first]) then return claimed_before(first) end
local gate = C('HMGET', GATE, 'until', 'probe', 'pend', 'why')
if gate[1] and T < tonumber(gate[1]) then return {'paused', T, gate[1], gate[4]} end
if gate[2] and T < tonumber(gate[3]) then return {'paused', T, gate[3], gate[4]} end
forget_pace(math.max(w1, w30))
slots = math.min(slots, gate[1] and 1 or slots, room_in(w1, l1), room_in(w30, l30))
if slots <= 0 then return {'pace', T, math.max(room_at(w1, l1), room_at(w30, l30))} end

local reply, leases, calls, paced, gone = {'calls', T}, {}, {}, {}, {}
local lanes, since = due_lanes(slots)
local heads, handed_out = {}, 0
for k, lane in ipairs(lanes) do
  if handed_out >= ENOUGH then break end
  if not heads[lane] then heads = heads_of(lanes, k, most) end
  local run, token = run_of(lane, heads, most_bytes), ARGV[first + #reply - 2]
  if not (run and #run == 0 and C('EXISTS', lane_key(lane)) == 1) then gone[#gone + 1] = lane end
  if not run then
    C('SADD', BROKEN, lane)
  elseif #run > 0 then
    local call, answer = {token, claimed_at(since[k]), worker}, {lane, token}
    for j, e in ipairs(run) do
      local number, at = e.s.n + 1, 4 * j
      call[2 * j + 2], call[2 * j + 3] = e.id, number
      answer[at - 1], answer[at], answer[at + 1], answer[at + 2] = e.id, number, e.tried or '', e.record
    end
    leases[#leases + 1], leases[#leases + 2] = T + lease, lane
    calls[#calls + 1], calls[#calls + 2] = lane, table.concat(call, ' ')
    if limited or #paced == 0 then paced[#paced + 1], paced[#paced + 2] = T + late, token end
    reply[#reply + 1] = answer
    handed_out = handed_out + #run
    count('waiting', -#run)
    count('in_flight', #run)
  end
end
if #leases > 0 then
  C('ZADD', LEASE, unpack(leases))
  C('HSET', CALLS, unpack(calls))
  C('ZADD', PACE, unpack(paced))
  if gate[1] then C('HSET', GATE, 'probe', reply[3][2], 'pend', T + lease) end
end
each('ZREM', DUE, gone)
tally()
if #leases > 0 then return reply end
return {'idle', T, C('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2] or false}
