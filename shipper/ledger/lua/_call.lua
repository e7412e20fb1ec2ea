-- KEYS: calls
-- `calls` holds a lane's one call: token, claimed at, worker, then id and number of each event.
local function read_call(value)
  local call = {numbers = {}, ids = {}}
  if not value then return call end
  local words = {}
  for word in string.gmatch(value, '%S+') do words[#words + 1] = word end
  call.token, call.at, call.worker = words[1], tonumber(words[2]), words[3]
  for i = 4, #words, 2 do
    call.ids[#call.ids + 1] = words[i]
    call.numbers[words[i]] = tonumber(words[i + 1])
  end
  return call
end
