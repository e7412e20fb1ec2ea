#!lua flags=allow-oom
-- Carry a redrive job on by a step: see what became of what it sent, then send as many of the ids that the caller
-- found as its rate allows. Any worker may ask: of two with the same cursor one does nothing.
-- INCLUDE: base count bell record tried lane history letter trail later redrive job job_look
-- KEYS: due gate pace why jdue jids jopen
-- ARGV: now, name, cursor before, most looked after at once, most open at once, ms until the next step, ms that live
--       events may be late, calls of the last 30 s from which it waits (0: any number), whether nothing comes after
--       these (0 or 1), a cursor and an id for each
--       ('' for a stretch where nothing was found)
-- RETURNS: {word, how many were sent}: ok; full, late, quota or held (it waits, and the job says so); stale (another
--       did it); its state if it does not run; no (there is none)
local name, most_open, step = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])
local job, sent = read_job_of(name), {}
if not job then C('ZREM', JDUE, name) return {'no', 0} end
if job.state == 'running' and job.cursor ~= ARGV[3] then return {'stale', 0} end

look_after(name, job, tonumber(ARGV[4]))
if OVER[job.state] then -- what it sent goes on, and is told to the end
  local is_all = clear_job(name, 1000) and #members_of(JOPEN, name, 1) == 0
  if is_all then C('ZREM', JDUE, name) else C('ZADD', JDUE, T + step, name) end
  write_job(name, job)
  return {job.state, 0}
end
if job.state == 'running' then judge(job) end
local open = C('ZLEXCOUNT', JOPEN, '[' .. name .. ' ', '(' .. name .. '!')
local most_credit = math.max(job.rate, 1)
job.credit = math.min(most_credit, job.credit + job.rate * math.max(T - job.seen_at, 0) / 1000)
job.seen_at = T

-- Live events go first: a job adds nothing to what waits already. A hold whose time is over ends only by a probe, and
-- where no live events come that is one of these.
local function room()
  local first, hold = C('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2], C('HMGET', GATE, 'until', 'pend')
  if math.max(hold[1] or 0, hold[2] or 0) > T then return 0, 'held' end
  if first and tonumber(first) < T - ARGV[7] then return 0, 'late' end
  local most_calls = tonumber(ARGV[8])
  if most_calls > 0 and C('ZCOUNT', PACE, '(' .. (T - 30000), '+inf') >= most_calls then return 0, 'quota' end
  if open >= most_open then return 0, 'full' end
  return math.min(math.floor(job.credit), most_open - open), 'ok'
end

local by = cjson.encode(cjson.decode(job.deed).by)

-- The history tells what this job sent before: not even a clock set back makes it send an event twice.
local function next_word(id)
  if string.find(C('HGET', WHY, id) or '', '"job":"' .. name .. '"', 1, true) then return 'again' end
  local line = '{"at":' .. T .. ',"outcome":"redriven","may_duplicate":' .. tostring(job.dup) .. ',"by":' .. by
  local at = T + math.floor(#sent * 1000 / job.rate)
  return send_again(id, job.dup, line .. ',"job":"' .. name .. '"}', at, job.moment)
end

local word, i = job.state, 10
job.waits = ''
if job.state == 'running' then
  local allowed
  allowed, word = room()
  while i < #ARGV and #sent < allowed do
    local id = ARGV[i + 1]
    local came = id ~= '' and next_word(id) or nil
    if came == 'ok' then sent[#sent + 1] = id elseif came then job.left[came] = (job.left[came] or 0) + 1 end
    if job.filter == '' then C('ZREM', JIDS, name .. ' ' .. ARGV[i]) end
    job.cursor, i = ARGV[i], i + 2
  end
  job.all = ARGV[9] == '1' and i > #ARGV
  if word ~= 'ok' and not job.all then job.waits = word end
  for _, id in ipairs(sent) do C('ZADD', JOPEN, 0, name .. ' ' .. string.format('%013.0f', T) .. ' ' .. id) end
  if #sent > 0 then
    job.sent, job.credit = job.sent + #sent, job.credit - #sent
    spread_until(T + math.ceil(#sent * 1000 / job.rate))
    note(job.deed, #sent, sent)
    ring()
  end
  if job.all and open + #sent == 0 then job.state, job.ended_at, word = 'done', T, 'done' end
end
if job.state == 'done' then C('ZREM', JDUE, name) else C('ZADD', JDUE, T + step, name) end
write_job(name, job)
tally()
return {word, #sent}
