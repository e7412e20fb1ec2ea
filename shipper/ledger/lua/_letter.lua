-- KEYS: dead uncl dx groups
-- A dead letter and its indices: `dx` pages by reason, code, name, customer and group; `groups` counts.
local function indices(id, at, head, s)
  local tail = '\0' .. string.format('%013.0f', at) .. '\0' .. id
  local members = {'r' .. s.reason .. tail, 'c' .. s.code .. tail, 'l' .. head.lane .. tail}
  local groups = {}
  for name in string.gmatch(head.names, '[^,]+') do
    groups[#groups + 1] = s.reason .. ' ' .. s.code .. ' ' .. name
    members[#members + 1] = 'n' .. name .. tail
    members[#members + 1] = 'g' .. groups[#groups] .. tail
  end
  return members, groups
end

local function file_letter(id, head, s, unclear)
  local members, groups = indices(id, T, head, s)
  C('ZADD', unclear and UNCL or DEAD, T, id)
  for _, member in ipairs(members) do C('ZADD', DX, 0, member) end
  for _, group in ipairs(groups) do C('HINCRBY', GROUPS, group, 1) end
end

-- Take a letter out of its indices; return 'dead' or 'unclear', or nil for an event that is neither.
local function unfile_letter(id, head, s)
  local dead, uncl = C('ZSCORE', DEAD, id), C('ZSCORE', UNCL, id)
  if not dead and not uncl then return nil end
  local members, groups = indices(id, tonumber(dead or uncl), head, s)
  each('ZREM', DX, members)
  for _, group in ipairs(groups) do
    if C('HINCRBY', GROUPS, group, -1) <= 0 then C('HDEL', GROUPS, group) end
  end
  C('ZREM', dead and DEAD or UNCL, id)
  return dead and 'dead' or 'unclear'
end
