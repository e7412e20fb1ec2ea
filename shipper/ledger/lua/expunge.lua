#!lua flags=allow-oom
-- Erase events whatever their state, hook jobs too. Their ids stay until retention, so that a late retry of the
-- enqueue does not accept them again. A POST under way cannot be called back: its lane stays leased.
-- INCLUDE: base count bell record tried call lane letter hook end remove trail
-- KEYS: hj fate
-- ARGV: now, deed or '', ids
-- RETURNS: for each id the state it was in, hook (only its hook job was left), or no
local reply, gone = {}, {}

-- Delivered events keep their record in the hook job until the hook is told; lives are numbered from 0.
local function drop_jobs(id, lives)
  local dropped = false
  for life = 0, lives do
    local job = id .. ':' .. life
    dropped = C('HEXISTS', HJ, job) == 1 or dropped
    drop_job(job)
  end
  return dropped
end

for i = 3, #ARGV do
  local was, s = remove(ARGV[i], 'e', false)
  local dropped = drop_jobs(ARGV[i], s and s.life or 99)
  reply[#reply + 1] = was or dropped and 'hook' or 'no'
  if was or dropped then gone[#gone + 1] = ARGV[i] end
end
if #gone > 0 then note(ARGV[2], #gone, gone) end
tally()
ring()
return reply
