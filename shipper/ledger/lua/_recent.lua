-- KEYS: recent
-- The latest calls: when, and whether each failed. Noted in memory, written once by write_notes().
local noted = {}

local function note(failed)
  noted[#noted + 1] = T .. ' ' .. failed
end

local function forget_notes()
  noted = {}
  C('DEL', RECENT)
end

local function write_notes()
  if #noted == 0 then return end
  each('LPUSH', RECENT, noted)
  C('LTRIM', RECENT, 0, 99)
  noted = {}
end

-- Half of enough recent calls failing opens the breaker.
local function breaker_trips(policy)
  write_notes()
  local calls, failed = 0, 0
  for _, entry in ipairs(C('LRANGE', RECENT, 0, -1)) do
    local at, down = string.match(entry, '^(%d+) (%d)')
    if tonumber(at) > T - policy.window then calls, failed = calls + 1, failed + down end
  end
  return calls >= policy.calls and failed * 2 >= calls
end
