-- KEYS: rec fate idem dead uncl
-- What the ledger, or this very call, has already under an id or an idempotency key.
local by_id, by_key, housed = {}, {}, {}

-- Return the id and fingerprint of the event that already has this id or idempotency key.
local function earlier(id, born, key)
  local held = key ~= '' and (by_key[key] or C('HGET', IDEM, key))
  if held then return string.match(held, '^(%S+) (%S+)') end
  if not born then return end
  if by_id[id] then return id, string.match(by_id[id], '^|[^|]*|([^|]*)') end
  local record = C('HGET', REC, id)
  if record then return id, header_of(record).fp end
  local fate = C('HGET', FATE, id)
  if fate then return id, string.match(fate, '^%S+ (%S+)') end
end

-- Return the lane of an earlier event of which a crashed script left only the record: it gets its place back.
local function homeless(id)
  local record = C('HGET', REC, id)
  local head = record and read_record(record)
  if not head or housed[id] or C('ZSCORE', DEAD, id) or C('ZSCORE', UNCL, id) then return end
  if redis.pcall('LPOS', lane_key(head.lane), id) then return end
  housed[id] = true
  return head.lane
end
