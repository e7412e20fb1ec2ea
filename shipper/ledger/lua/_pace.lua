-- KEYS: pace
-- The two rate windows, counted at claim. Both are widened by the longest delay between claim and send, so that
-- what arrives never exceeds the limit. A limit of 0 is none.
local function room_in(window, limit)
  if limit == 0 then return math.huge end
  return limit - C('ZCOUNT', PACE, '(' .. (T - window), '+inf')
end

-- When the window has room again.
local function room_at(window, limit)
  if limit == 0 then return T end
  local oldest = C('ZRANGE', PACE, -limit, -limit, 'WITHSCORES')
  return oldest[2] and math.max(T, oldest[2] + window) or T
end

-- Entries from further ahead than a late call's come of a clock that stepped back; they would block the account.
local function forget_pace(longest)
  C('ZREMRANGEBYSCORE', PACE, 0, T - longest)
  C('ZREMRANGEBYSCORE', PACE, T + 6000, '+inf')
end
