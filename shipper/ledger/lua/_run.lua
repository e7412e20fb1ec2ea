-- The longest run from a lane's head that may share a call: other names, one merge signature, nobody alone.

-- Drop from a lane the ids that have no record; `audit` tells of them.
local function drop_lost(lane, id)
  C('LREM', lane_key(lane), 1, id)
  count('waiting', -1)
  count('lost', 1)
end

local function fits(names, head)
  for name in string.gmatch(head.names, '[^,]+') do
    if names[name] then return false end
  end
  return true
end

-- Read what waits at the head of lanes, from the k-th on, until it is many events: one command for their records.
local MANY, NEVER = 64, read_tried()

local function heads_of(lanes, k, most)
  local heads, all = {}, {}
  while k <= #lanes and #all < MANY do
    local ids = redis.pcall('LRANGE', lane_key(lanes[k]), 0, most - 1)
    heads[lanes[k]] = {ids = ids, before = #all}
    for _, id in ipairs(ids) do all[#all + 1] = id end
    k = k + 1
  end
  heads.records, heads.tried = fetch(REC, all), fetch(ST, all)
  return heads
end

-- Return {id, tried, record} of each event of the run; nil when the lane cannot be read.
local function run_of(lane, heads, most_bytes)
  local ids, before = heads[lane].ids, heads[lane].before
  if ids.err then return nil end
  local run, names, sig, bytes = {}, {}, nil, 0
  for i, id in ipairs(ids) do
    local record, numbers = heads.records[before + i], heads.tried[before + i]
    local head = record and read_record(record)
    if not record then
      drop_lost(lane, id)
    elseif not head then
      return #run > 0 and run or nil
    else
      local s = numbers and read_tried(numbers) or NEVER
      local alone = head.park or head.solo or s.solo
      bytes = bytes + #record
      if #run > 0 and (alone or head.sig ~= sig or bytes > most_bytes or not fits(names, head)) then break end
      run[#run + 1], sig = {id = id, s = s, tried = numbers, record = record}, head.sig
      if alone or i == #ids then break end
      for name in string.gmatch(head.names, '[^,]+') do names[name] = true end
    end
  end
  return run
end
