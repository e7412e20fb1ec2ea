-- KEYS: dead uncl dx groups people fields kinds
-- A dead letter and its indices: `dx` pages by reason, code, field, kind of answer, name, customer and group; `groups`
-- and `people` count letters and customers of a group, `fields` and `kinds` what letters there are of each. Dead ones of
-- which a copy may be with Gameball stand there by reason and group too.
local MOST_KINDS = 500 -- what comes beyond shares the page `-`: answers and the fields they name are not ours

-- Both counts of `people` of a group are written here: letters of a customer, and customers.
local function count_person(group, lane, by)
  local letters = C('HINCRBY', PEOPLE, group .. '\0' .. lane, by)
  if letters <= 0 then C('HDEL', PEOPLE, group .. '\0' .. lane) end
  if by > 0 and letters == 1 or letters == 0 then
    if C('HINCRBY', PEOPLE, group, by) <= 0 then C('HDEL', PEOPLE, group) end
  end
end

local function count_letters(key, what, by)
  if C('HINCRBY', key, what, by) <= 0 then C('HDEL', key, what) end
end

local function count_letter(head, s, groups, by)
  for _, group in ipairs(groups) do
    count_letters(GROUPS, group, by)
    count_person(group, head.lane, by)
  end
  if s.field ~= '-' then count_letters(FIELDS, s.field, by) end
  if s.kind ~= 'none' then count_letters(KINDS, s.kind, by) end
end

local function indices(id, at, head, s)
  local tail = '\0' .. string.format('%013.0f', at) .. '\0' .. id
  local members = {'r' .. s.reason .. tail, 'c' .. s.code .. tail, 'f' .. s.field .. tail, 'l' .. head.lane .. tail}
  local groups = {}
  if s.kind ~= 'none' then members[#members + 1] = 'k' .. s.kind .. tail end
  local doubt = s.c > 0 and s.reason ~= 'unclear'
  if doubt then members[#members + 1] = (head.park and 'p' or 'm') .. s.reason .. tail end
  for name in string.gmatch(head.names, '[^,]+') do
    groups[#groups + 1] = s.reason .. ' ' .. s.code .. ' ' .. name .. ' ' .. s.field
    members[#members + 1] = 'n' .. name .. tail
    members[#members + 1] = 'g' .. groups[#groups] .. tail
    if doubt then members[#members + 1] = 'm' .. groups[#groups] .. tail end
  end
  return members, groups
end

local function crowded(key, what)
  return C('HEXISTS', key, what) == 0 and C('HLEN', key) >= MOST_KINDS
end

local function file_letter(id, head, s, unclear, at)
  local field, kind = s.field, s.kind
  if field ~= '-' and crowded(FIELDS, field) then s.field = '-' end
  if kind ~= 'none' and kind ~= '-' and crowded(KINDS, kind) then s.kind = '-' end
  if s.field ~= field or s.kind ~= kind then write_tried(id, s) end
  at = at or T
  local members, groups = indices(id, at, head, s)
  C('ZADD', unclear and UNCL or DEAD, at, id)
  local scored = {}
  for _, member in ipairs(members) do scored[#scored + 1], scored[#scored + 2] = 0, member end
  each('ZADD', DX, scored)
  count_letter(head, s, groups, 1)
end

-- Take a letter out of its indices; return 'dead' or 'unclear', or nil for an event that is neither.
local function unfile_letter(id, head, s)
  local dead, uncl = C('ZSCORE', DEAD, id), C('ZSCORE', UNCL, id)
  if not dead and not uncl then return nil end
  local members, groups = indices(id, tonumber(dead or uncl), head, s)
  each('ZREM', DX, members)
  count_letter(head, s, groups, -1)
  C('ZREM', dead and DEAD or UNCL, id)
  return dead and 'dead' or 'unclear'
end
