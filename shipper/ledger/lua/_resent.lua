-- KEYS: rec st calls
-- The calls that carry these tokens: what a claim answers when it is asked again after its reply was lost.
local function claimed_before(first)
  local mine, reply = {}, {'calls', T}
  for i = first, #ARGV do mine[ARGV[i]] = true end
  local calls = C('HGETALL', CALLS)
  for i = 1, #calls, 2 do
    local call = read_call(calls[i + 1])
    if mine[call.token] then
      local answer = {calls[i], call.token}
      for _, id in ipairs(call.ids) do
        local record = C('HGET', REC, id)
        if record then
          for _, v in ipairs({id, call.numbers[id], C('HGET', ST, id) or '', record}) do answer[#answer + 1] = v end
        end
      end
      if #answer > 2 then reply[#reply + 1] = answer end
    end
  end
  return reply
end
