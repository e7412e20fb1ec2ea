-- KEYS: st
-- `st` holds an event only after its first call: n(umber) f(charged) k(crashes in a row) v(ague) c(auses)
-- life solo since, and for a dead letter its reason, Gameball's code, the field that was refused (`-`: none is named)
-- and the kind of the answer (`none`: there was none; `-`: one of too many).
local function read_tried(s)
  if not s then
    return {n = 0, f = 0, k = 0, v = 0, c = 0, life = 0, solo = false, since = 0, reason = '', code = '', field = '',
      kind = ''}
  end
  local n, f, k, v, c, life, solo, since, reason, code, field, kind =
    string.match(s, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%d+) ?(%S*) ?(%S*) ?(%S*) ?(%S*)')
  if not n then return read_tried() end -- corrupted by hand: as if it had never been tried
  return {n = tonumber(n), f = tonumber(f), k = tonumber(k), v = tonumber(v), c = tonumber(c),
    life = tonumber(life), solo = solo == '1', since = tonumber(since), reason = reason, code = code,
    field = field, kind = kind}
end

local function write_tried(id, s)
  C('HSET', ST, id, table.concat({s.n, s.f, s.k, s.v, s.c, s.life, s.solo and 1 or 0, s.since,
    s.reason, s.code, s.field, s.kind}, ' '))
end
