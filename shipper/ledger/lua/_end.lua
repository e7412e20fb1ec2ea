-- KEYS: rec st why fate ended idemx
-- The last step of events: what stays is an id, its fate and, for its longer time, its idempotency key.
-- A fate: letter (d(elivered) x (discarded) e(xpunged)), fingerprint, attempts, causes, ended at, age. The causes
-- stay, so that each copy at Gameball can still be explained. Retention starts here; forget.lua ends it.
local COUNTER = {d = 'delivered', x = 'discarded', e = 'expunged'}

-- Each event is {id, head, s, record}; `tried` is false only for one that `st` and `why` have never held.
local function end_events(events, letter, tried)
  local ids, fates, keys, now = {}, {}, {}, T .. ''
  for i, e in ipairs(events) do
    ids[i] = e.id
    fates[2 * i - 1] = e.id
    fates[2 * i] = letter .. ' ' .. e.head.fp .. ' ' .. e.s.n .. ' ' .. e.s.c .. ' ' .. now .. ' ' .. (T - e.head.at)
    if e.head.key ~= '' then keys[#keys + 1] = e.head.key .. ' ' .. now end
    count('bytes', -(#e.record + OVERHEAD))
  end
  each('HSET', FATE, fates)
  each('RPUSH', ENDED, ids)
  each('RPUSH', IDEMX, keys)
  each('HDEL', REC, ids)
  if tried then
    each('HDEL', ST, ids)
    each('HDEL', WHY, ids)
  end
  count(COUNTER[letter], #events)
end
