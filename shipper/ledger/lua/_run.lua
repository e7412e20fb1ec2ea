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

-- Return {id, tried, record} of each event of the run; nil when the lane cannot be read.
local function run_of(lane, most, most_bytes)
  local ids = redis.pcall('LRANGE', lane_key(lane), 0, most - 1)
  if ids.err then return nil end
  if #ids == 0 then return {} end
  local records, tried = C('HMGET', REC, unpack(ids)), C('HMGET', ST, unpack(ids))
  local run, names, sig, bytes = {}, {}, nil, 0
  for i, id in ipairs(ids) do
    local record = records[i]
    local head = record and read_record(record)
    if not record then
      drop_lost(lane, id)
    elseif not head then
      return #run > 0 and run or nil
    else
      local s = read_tried(tried[i])
      local alone = head.park or head.solo or s.solo
      bytes = bytes + #record
      if #run > 0 and (alone or head.sig ~= sig or bytes > most_bytes or not fits(names, head)) then break end
      run[#run + 1], sig = {id = id, s = s, tried = tried[i], record = record}, head.sig
      for name in string.gmatch(head.names, '[^,]+') do names[name] = true end
      if alone then break end
    end
  end
  return run
end
