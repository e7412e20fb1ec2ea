-- KEYS: dx groups people fields kinds
-- Do the counts of the dead letters agree with the index? It is judged beside them.
local MOST_LETTERS = 500 -- of one customer, counted in one look
local looked = 0

local function compare(name, field, counted, letters, what)
  if tonumber(counted or 0) == letters and (counted or letters == 0) and counted ~= '0' then return nil end
  return 'counts ' .. (counted or 0) .. ' ' .. what .. ', not ' .. letters, {set = {name, field, letters}}
end

local function of_index(index)
  return C('ZLEXCOUNT', DX, '[' .. index .. '\0', '(' .. index .. '\1')
end

-- Letters of one customer in one group; `many` where that is too much for one look.
local function judge_person(field)
  local counted, group, lane = C('HGET', PEOPLE, field), string.match(field, '^(.*)%z(.*)$')
  if not counted then return nil end
  if not lane then -- how many customers it should be, is counted by who asks
    if of_index('g' .. field) > 0 then return nil end
    return compare('people', field, counted, 0, 'customers')
  end
  if of_index('l' .. lane) > MOST_LETTERS then return 'many' end
  local mine = C('ZRANGE', DX, '[l' .. lane .. '\0', '(l' .. lane .. '\1', 'BYLEX')
  for i, member in ipairs(mine) do mine[i] = 'g' .. group .. string.sub(member, #lane + 2) end
  local letters = 0
  for _, score in ipairs(#mine > 0 and C('ZMSCORE', DX, unpack(mine)) or {}) do
    letters = letters + (score and 1 or 0)
  end
  looked = looked + #mine
  return compare('people', field, counted, letters, 'letters')
end

local function judge(what, item)
  looked = looked + 1
  if what == 'letters' then return judge_letter(item) end
  if what == 'index' then return judge_entry(item) end
  if what == 'people' then return judge_person(item) end
  if what == 'groups' then return compare(what, item, C('HGET', GROUPS, item), of_index('g' .. item), 'letters') end
  if what == 'fields' then return compare(what, item, C('HGET', FIELDS, item), of_index('f' .. item), 'letters') end
  return compare(what, item, C('HGET', KINDS, item), of_index('k' .. item), 'letters')
end
