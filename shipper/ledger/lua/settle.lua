#!lua flags=allow-oom
-- Write down what became of calls. A failure counts only if the lane's lease is still this call's and the event is
-- in it; a success is adopted wherever the event is. Then the lane is free, and the gate hears of it.
-- INCLUDE: base count bell record tried call lane place history letter hook end adopt whole fail recent gate
-- KEYS: rec st calls pace gate fate meta
-- ARGV: now, the gate's policy (5, see _gate), then for each call: lane, token, verdict, hold ms, number of events,
--       and for each event: id, outcome, argument (delay ms, or `reason code field kind`), line for its history
-- RETURNS: a word for each event: ok, adopted, already (delivered before), stale (not ours), gone (ended otherwise)
local policy = {first = tonumber(ARGV[2]), longest = tonumber(ARGV[3]), calls = tonumber(ARGV[4]),
  window = tonumber(ARGV[5]), burst = tonumber(ARGV[6])}
local reply = {}

local function settle_event(id, outcome, arg, line, verdict, mine, current)
  local record = C('HGET', REC, id)
  if not record then
    return string.sub(C('HGET', FATE, id) or '', 1, 1) == 'd' and outcome == 'D' and 'already' or 'gone', 0
  elseif outcome == 'D' then
    deliver(id, record, current, line)
    return mine and current.numbers[id] and 'ok' or 'adopted', 0
  elseif mine and current.numbers[id] then
    return 'ok', fail(id, current.numbers[id], record, outcome, arg, verdict == 'unclear', line)
  end
  remember(id, line) -- an event that is unclear may yet be known not to have been applied
  if line ~= '' then write_tried(id, read_tried(C('HGET', ST, id))) end -- so that the history goes when it ends
  return 'stale', 0
end

-- Events of the call that the worker did not name wait again, nothing charged.
local function put_back_unnamed(call, named)
  for _, id in ipairs(call.ids) do
    if not named[id] and C('HEXISTS', REC, id) == 1 then
      local s = read_tried(C('HGET', ST, id))
      s.n = call.numbers[id]
      put_back(id, s, 'F', 0)
    end
  end
end

local calls, lanes, i, left = {}, {}, 7, false
while i <= #ARGV do
  local events = tonumber(ARGV[i + 4])
  calls[#calls + 1] = {lane = ARGV[i], token = ARGV[i + 1], verdict = ARGV[i + 2], hold = tonumber(ARGV[i + 3]),
    events = events, first = i + 5}
  lanes[#lanes + 1] = ARGV[i]
  i = i + 5 + 4 * events
end
deliver_whole(calls, lanes)
for _, call in ipairs(calls) do
  local lane, token, verdict, named, delay = call.lane, call.token, call.verdict, {}, 0
  local current = call.whole and call.current or read_call(C('HGET', CALLS, lane))
  local mine = current.token == token
  for at = call.first, call.first + 4 * call.events - 1, 4 do
    local word, wait = 'ok', 0
    if not call.whole then
      word, wait = settle_event(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], verdict, mine, current)
    end
    reply[#reply + 1], named[ARGV[at]], delay = word, true, math.max(delay, wait)
  end
  if mine then
    if not call.whole then
      put_back_unnamed(current, named)
      call.left = free_lane(lane, T + delay)
    end
    left = left or call.left
    if call.left and delay == 0 then keep_place(lane, current.place) end
    if verdict == 'unsent' then
      C('ZREM', PACE, token)
    elseif verdict ~= 'not_sent' then
      count('calls', 1)
      count('events_sent', call.events)
    end
    if verdict == 'encryption_key' then C('HSET', META, 'locked_at', T) end -- the gate stays open: `status` tells
    weigh(lane, token, verdict, call.hold, policy)
  end
end
write_notes()
tally()
-- A pump that claims no more may have settled this, and hooks are told by others.
if left or jobs_added > 0 then ring() end
return reply
