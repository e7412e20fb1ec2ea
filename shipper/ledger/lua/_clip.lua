-- KEYS: due lease hooks jdue gate meta
-- Moments that a clock once ahead wrote down: none is further away than its rule allows. Returns how many were.
local clipped_moments = 0

local function clip(key, latest, limit)
  for _, lane in ipairs(C('ZRANGE', key, '(' .. latest, '+inf', 'BYSCORE', 'LIMIT', 0, limit)) do
    C('ZADD', key, latest, lane)
    clipped_moments = clipped_moments + 1
  end
end

local function clip_gate(field, latest)
  if tonumber(C('HGET', GATE, field) or 0) <= latest then return end
  C('HSET', GATE, field, latest)
  clipped_moments = clipped_moments + 1
end

local function clip_moments(limit, lease, backoff_cap, hook_lease, longest_hold)
  clip(LEASE, T + 2 * lease, limit)
  clip(HOOKS, T + math.max(backoff_cap, hook_lease), limit) -- a lease of a living teller is not ahead of its time
  clip(JDUE, T + 1000, limit) -- a job's next step is never further away
  clip(DUE, math.max(T + backoff_cap, tonumber(C('HGET', META, 'spread_until') or 0)), limit)
  -- What only a person opens again stays as it was said; a probe under way is a call like any other.
  local why = C('HGET', GATE, 'why')
  if why ~= 'operator' and why ~= 'refusals' then clip_gate('until', T + longest_hold) end
  clip_gate('pend', T + 2 * lease)
  return clipped_moments
end
