-- KEYS: st gate pace
-- Give back calls whose claim was never heard of: due again now, nothing charged, numbers spent. The claim itself may
-- still be under way. So its tokens stay in `pace` for a while, at minus the time, where no window counts them:
-- whatever asks with them takes nothing.
local LATEST = 60000

local function mark_void(first, last)
  C('ZREMRANGEBYSCORE', PACE, '(' .. (LATEST - T), '(0')
  for i = first, last do C('ZADD', PACE, 'NX', -T, ARGV[i]) end
end

local function void_calls(tokens)
  local calls = C('HGETALL', CALLS)
  for i = 1, #calls, 2 do
    local lane, call = calls[i], read_call(calls[i + 1])
    if tokens[call.token] then
      for _, id in ipairs(call.ids) do
        if C('HEXISTS', REC, id) == 1 then
          local s = read_tried(C('HGET', ST, id))
          s.n = call.numbers[id]
          write_tried(id, s)
          count('in_flight', -1)
          count('waiting', 1)
        end
      end
      if C('HGET', GATE, 'probe') == call.token then C('HDEL', GATE, 'probe', 'pend') end
      free_lane(lane, T)
    end
  end
end
