/**
 * What Redis does for each method, in one step. KEYS: a list of events that wait, a hash of what is known of the buffer, a list of the events of the batch under way.
 * An event is `partition:offset:value`. The hash:
 *   bytes, first        of the events that wait; absent where there are none
 *   seen:<partition>    the highest offset that was added
 *   batches             how many there were; the last one's id
 *   batch, reason, lease   of the batch under way
 */
export const scripts = {
  /** ARGV: now, then partition, offset and value of each event. Answers count, bytes and time of the first. */
  add: `
local waiting, about = KEYS[1], KEYS[2]
for i = 2, #ARGV, 3 do
  local seen = redis.call('HGET', about, 'seen:' .. ARGV[i])
  if not seen or tonumber(ARGV[i + 1]) > tonumber(seen) then
    redis.call('HSET', about, 'seen:' .. ARGV[i], ARGV[i + 1])
    redis.call('RPUSH', waiting, ARGV[i] .. ':' .. ARGV[i + 1] .. ':' .. ARGV[i + 2])
    redis.call('HINCRBY', about, 'bytes', #ARGV[i + 2])
    redis.call('HSETNX', about, 'first', ARGV[1])
  end
end
return { redis.call('LLEN', waiting), redis.call('HGET', about, 'bytes'), redis.call('HGET', about, 'first') }`,

  /** ARGV: now, lease, count and age that make it due, empty where not given. Answers id, reason and events of the batch, or nothing. */
  claim: `
local waiting, about, batch = KEYS[1], KEYS[2], KEYS[3]
local now = tonumber(ARGV[1])
local lease = string.format('%.0f', now + tonumber(ARGV[2]))
local held = redis.call('HMGET', about, 'batch', 'reason', 'lease', 'first')
if held[1] then
  if tonumber(held[3]) > now then return false end
  redis.call('HSET', about, 'lease', lease)
  return { held[1], held[2], redis.call('LRANGE', batch, 0, -1) }
end
local count = redis.call('LLEN', waiting)
if count == 0 then return false end
local reason = 'MANUAL'
if ARGV[3] ~= '' or ARGV[4] ~= '' then
  if ARGV[3] ~= '' and count >= tonumber(ARGV[3]) then reason = 'COUNT'
  elseif ARGV[4] ~= '' and now - tonumber(held[4]) >= tonumber(ARGV[4]) then reason = 'TIME'
  else return false end
end
local id = tostring(redis.call('HINCRBY', about, 'batches', 1))
redis.call('RENAME', waiting, batch)
redis.call('HDEL', about, 'first', 'bytes')
redis.call('HSET', about, 'batch', id, 'reason', reason, 'lease', lease)
return { id, reason, redis.call('LRANGE', batch, 0, -1) }`,

  /** ARGV: id. Answers 1, or nothing where it is not the batch under way. */
  finish: `
if redis.call('HGET', KEYS[2], 'batch') ~= ARGV[1] then return false end
redis.call('HDEL', KEYS[2], 'batch', 'reason', 'lease')
redis.call('DEL', KEYS[3])
return { 1 }`,

  drop: `return { redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) }`,
} as const
