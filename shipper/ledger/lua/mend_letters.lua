#!lua flags=allow-oom
-- Put right what an audit of the dead letters complains of; the letters themselves are believed.
-- INCLUDE: base count record tried letter judge judge_count
-- KEYS: st why fate dead uncl dx groups people fields kinds
-- ARGV: now, what they are, then these, as audit_letters takes them
-- RETURNS: what was wrong with each, as audit_letters does
local reply, begins = {}, ARGV[2] == 'letters'

-- A count that is not there begins as 0, so that the walk over the counts meets it.
local function write(key, field, number)
  if begins then
    C('HINCRBY', key, field, number)
  elseif number > 0 then
    C('HSET', key, field, number)
  else
    C('HDEL', key, field)
  end
end

local function set(name, field, number)
  if name == 'groups' then write(GROUPS, field, number) end
  if name == 'people' then write(PEOPLE, field, number) end
  if name == 'fields' then write(FIELDS, field, number) end
  if name == 'kinds' then write(KINDS, field, number) end
end

local function lose(id)
  local letters = C('ZREM', DEAD, id) + C('ZREM', UNCL, id)
  if C('HEXISTS', FATE, id) == 0 then count('lost', letters) end
  C('HDEL', ST, id)
  C('HDEL', WHY, id)
end

local function cure(how)
  for _, member in ipairs(how.add or {}) do C('ZADD', DX, 0, member) end
  for _, member in ipairs(how.drop or {}) do C('ZREM', DX, member) end
  for i = 1, #(how.set or {}), 3 do set(how.set[i], how.set[i + 1], how.set[i + 2]) end
  if how.gone then lose(how.gone) end
end

for i = 3, #ARGV do
  local wrong, how = judge(ARGV[2], ARGV[i])
  reply[#reply + 1] = wrong or ''
  if how then cure(how) end
  if looked > 2000 then break end
end
tally()
return reply
