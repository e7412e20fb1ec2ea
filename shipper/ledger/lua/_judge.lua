-- KEYS: rec st dead uncl dx groups people fields kinds
-- Is a dead letter where it should be, and nowhere else? A judge returns what is wrong in words, nil if nothing is, and
-- what to do about it: members to `add` to the index or to `drop`, a letter that is `gone`, and counts to `set`, in
-- threes: the hash, its field, the number.
local function letter_at(id)
  return tonumber(C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id) or '')
end

local function judge_letter(id)
  local at, record = letter_at(id), C('HGET', REC, id)
  if not at then return nil end -- it has left meanwhile
  if not record then return 'has no record', {gone = id} end
  local head, s = header_of(record), read_tried(C('HGET', ST, id))
  local members, groups = indices(id, at, head, s)
  local wrong, add, set = {}, {}, {}
  for i, score in ipairs(C('ZMSCORE', DX, unpack(members))) do
    if not score then wrong[#wrong + 1], add[#add + 1] = string.match(members[i], '^%Z+'), members[i] end
  end
  local function expect(found, key, field)
    if found == 1 then return end
    for _, v in ipairs({key, field, 0}) do set[#set + 1] = v end -- what the number is, is counted next
    wrong[#wrong + 1] = key .. ' ' .. string.gsub(field, '%z', ' ')
  end
  for _, group in ipairs(groups) do
    expect(C('HEXISTS', GROUPS, group), 'groups', group)
    expect(C('HEXISTS', PEOPLE, group), 'people', group)
    expect(C('HEXISTS', PEOPLE, group .. '\0' .. head.lane), 'people', group .. '\0' .. head.lane)
  end
  if s.field ~= '-' then expect(C('HEXISTS', FIELDS, s.field), 'fields', s.field) end
  if s.kind ~= 'none' then expect(C('HEXISTS', KINDS, s.kind), 'kinds', s.kind) end
  if #wrong > 0 then return 'is missing in ' .. table.concat(wrong, ', '), {add = add, set = set} end
end

local function judge_entry(member)
  local id = string.match(member, '([^%z]*)$')
  local at, record = letter_at(id), C('HGET', REC, id)
  if at and record then
    for _, each in ipairs(indices(id, at, header_of(record), read_tried(C('HGET', ST, id)))) do
      if each == member then return nil end
    end
  end
  if C('ZSCORE', DX, member) then return 'is of no such letter', {drop = {member}} end
end
