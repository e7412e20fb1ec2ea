-- KEYS: n
-- Counters, gathered and written once by tally().
local counts = {}

local function count(field, by)
  counts[field] = (counts[field] or 0) + by
end

local function tally()
  for field, by in pairs(counts) do
    if by ~= 0 then C('HINCRBY', N, field, by) end
  end
  counts = {}
end
