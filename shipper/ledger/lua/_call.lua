-- KEYS: calls
-- `calls` holds a lane's one call: token, claimed at / due since, worker, then id and number of each event.
local function read_call(value)
  local call = {numbers = {}, ids = {}}
  if not value then return call end
  local at, place, from
  call.token, at, place, call.worker, from = string.match(value, '^(%S+) (%d+)/?(%d*) (%S+)()')
  call.at, call.place = tonumber(at), tonumber(place)
  for id, number in string.gmatch(string.sub(value, from or 1), ' (%S+) (%S+)') do
    call.ids[#call.ids + 1] = id
    call.numbers[id] = tonumber(number)
  end
  return call
end
