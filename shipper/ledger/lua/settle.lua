#!lua flags=allow-oom
-- Write down what became of calls. A failure counts only if the lane's lease is still this call's and the event is
-- in it; a success is adopted wherever the event is. Then the lane is free, and the gate hears of it.
-- INCLUDE: base count bell record tried call lane history letter hook end adopt whole fail gate
-- KEYS: rec st calls pace gate fate meta
-- ARGV: now, the gate's policy (5, see _gate), then for each call: lane, token, verdict, hold ms, number of events,
--       and for each event: id, outcome, argument (delay ms, or `reason code`), line for its history
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

local i, left = 7, false
while i <= #ARGV do
  local lane, token, verdict, hold, events = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4]
  local current, named, delay = read_call(C('HGET', CALLS, lane)), {}, 0
  local mine = current.token == token
  i = i + 5
  if mine and deliver_whole(lane, current, i, tonumber(events)) then
    for _ = 1, events do reply[#reply + 1] = 'ok' end
  else
    for at = i, i + 4 * events - 1, 4 do
      local word, wait = settle_event(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], verdict, mine, current)
      reply[#reply + 1], named[ARGV[at]], delay = word, true, math.max(delay, wait)
    end
    if mine then put_back_unnamed(current, named) end
  end
  i = i + 4 * events
  if mine then
    if verdict == 'unsent' then
      C('ZREM', PACE, token)
    elseif verdict ~= 'not_sent' then
      count('calls', 1)
      count('events_sent', tonumber(events))
    end
    if verdict == 'encryption_key' then C('HSET', META, 'locked_at', T) end -- the gate stays open: `status` tells
    weigh(lane, token, verdict, hold, policy)
    left = free_lane(lane, T + delay) or left
  end
end
tally()
-- A pump that claims no more may have settled this, and hooks are told by others.
if left or jobs_added > 0 then ring() end
return reply
