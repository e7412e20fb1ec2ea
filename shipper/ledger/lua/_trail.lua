-- KEYS: trail
-- The audit log, written by the script that carries a deed out. A deed is what its doer says of it, a JSON object;
-- one of '' is nobody's. Where the log cannot be written, nothing is done: hence the look before all else.
C('XLEN', TRAIL)

-- Where the entries of a deed that follow each other began, and how many they tell of, if the last one is its.
local function run_of(deed)
  local last = redis.pcall('XREVRANGE', TRAIL, '+', '-', 'COUNT', 1)[1] -- rules of an older version forbid it: none
  local said = {}
  for i = 1, last and #last[2] or 0, 2 do said[last[2][i]] = last[2][i + 1] end
  if said.deed ~= deed then return end
  return said.first or last[1], tonumber(said.total or said.count) or 0
end

local function note(deed, size, ids)
  if deed == '' then return end
  local entry = {'at', T, 'deed', deed, 'count', size, 'ids', table.concat(ids, ' ')}
  local first, total = run_of(deed)
  if first then -- so that who tells a large deed as one need not read all of it
    for _, said in ipairs({'first', first, 'total', total + size}) do entry[#entry + 1] = said end
  end
  local put = redis.pcall('XADD', TRAIL, T .. '-*', unpack(entry))
  if type(put) == 'table' then C('XADD', TRAIL, '*', unpack(entry)) end -- the clock was set back
end
