-- KEYS: st fate dead uncl jopen
-- See what became of what a job sent: of its oldest that had not ended. What has still not goes to the end of the
-- row, so that a few that are retried for hours hide nobody.
local MOST_CODES, LAST = 20, 100

local function failed_again(job, s)
  local what = s.reason .. ' ' .. s.code
  local kinds = 0
  for _ in pairs(job.codes) do kinds = kinds + 1 end
  if not job.codes[what] and kinds >= MOST_CODES then what = 'other -' end
  job.codes[what] = (job.codes[what] or 0) + 1
end

local function look_after(name, job, most)
  local open, ids, gone, again = members_of(JOPEN, name, most), {}, {}, {}
  if #open == 0 then return end
  for i, member in ipairs(open) do ids[i] = string.sub(member, #name + 16) end
  local tried, fates = C('HMGET', ST, unpack(ids)), C('HMGET', FATE, unpack(ids))
  local dead, uncl = C('ZMSCORE', DEAD, unpack(ids)), C('ZMSCORE', UNCL, unpack(ids))
  for i, member in ipairs(open) do
    local word = 'open'
    if dead[i] or uncl[i] then
      word = 'failed'
      failed_again(job, read_tried(tried[i]))
    elseif not tried[i] then
      word = fates[i] and string.sub(fates[i], 1, 1) == 'd' and 'delivered' or 'gone'
    elseif #open == most then
      again[#again + 1] = name .. ' ' .. string.format('%013.0f', T) .. ' ' .. ids[i]
    end
    if word ~= 'open' or #open == most then gone[#gone + 1] = member end
    if word ~= 'open' then job[word] = job[word] + 1 end
    if word == 'failed' or word == 'delivered' then job.recent = job.recent .. (word == 'failed' and 'x' or '.') end
  end
  each('ZREM', JOPEN, gone)
  for _, member in ipairs(again) do C('ZADD', JOPEN, 0, member) end
  job.recent = string.sub(job.recent, -LAST)
end

-- Stop a job of which too much fails again: whatever it was redriven for is not mended.
local function judge(job)
  local _, failed = string.gsub(job.recent, 'x', '')
  if #job.recent < 20 or 2 * failed < #job.recent then return end
  local most, common = 0, ''
  for what, times in pairs(job.codes) do
    if times > most or times == most and what < common then most, common = times, what end
  end
  job.state, job.why = 'stopped', failed .. ' of the last ' .. #job.recent .. ' failed again, most as ' .. common
end
