-- KEYS: trail
-- The audit log, written by the script that carries a deed out. A deed is what its doer says of it, a JSON object;
-- one of '' is nobody's. Where the log cannot be written, nothing is done: hence the look before all else.
C('XLEN', TRAIL)

local function note(deed, size, ids)
  if deed == '' then return end
  local entry = {'at', T, 'deed', deed, 'count', size, 'ids', table.concat(ids, ' ')}
  local put = redis.pcall('XADD', TRAIL, T .. '-*', unpack(entry))
  if type(put) == 'table' then C('XADD', TRAIL, '*', unpack(entry)) end -- the clock was set back
end
