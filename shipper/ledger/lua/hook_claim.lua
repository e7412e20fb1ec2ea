#!lua flags=allow-oom
-- Lease hook jobs that are due. A try counts when it begins, so that a hook that kills its process is counted.
-- INCLUDE: base
-- KEYS: hooks hj hl tellers meta
-- ARGV: now, most, lease ms, token, ticket ('' for none), beat ms
-- RETURNS: {retired} or a list of {job, tries, told}: told is `what number ended_at` NL last line NL record
local ticket = ARGV[5]
if ticket ~= '' then
  if tonumber(C('ZSCORE', TELLERS, ticket) or 0) <= T then C('ZREM', TELLERS, ticket) return {'retired'} end
  C('ZADD', TELLERS, T + ARGV[6], ticket)
  C('HSET', META, 'hooks_asked', T) -- a ticket alone is nobody who serves hooks: this is
end
local reply = {}
for _, job in ipairs(C('ZRANGE', HOOKS, '-inf', T, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[2]))) do
  local told = C('HGET', HJ, job)
  if told then
    local tries = tonumber(string.match(C('HGET', HL, job) or '0', '^%d+')) + 1
    C('ZADD', HOOKS, T + ARGV[3], job)
    C('HSET', HL, job, tries .. ' ' .. ARGV[4])
    reply[#reply + 1] = {job, tries, told}
  else
    C('ZREM', HOOKS, job)
  end
end
return reply
