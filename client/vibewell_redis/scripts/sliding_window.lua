-- An exact sliding window for many decisions at once, on the server's clock.
--
-- A key holds the times of the requests that it has admitted, oldest first, four bytes each:
-- milliseconds modulo 2^32. A request leaves its window when more than the window's milliseconds
-- have passed.
--
-- KEYS     the keys of all decisions, one after the other
-- ARGV[1]  a byte a decision: how many keys it has, plus 128 if it only asks and counts nothing
-- ARGV[2]  eight bytes a key: how many requests, in how many milliseconds
-- reply    a decision after the other: a byte, 1 if it is admitted, then eight bytes a key: how many
--          more would be admitted, and the milliseconds until that number grows
local pack, unpack, sub, byte, floor = struct.pack, struct.unpack, string.sub, string.byte, math.floor
local call, pcall = redis.call, redis.pcall
local CYCLE, HALF = 4294967296, 2147483648
-- Above this many requests the whole log is not written anew each time, but appended to.
local LONG = 1000

local clock = call('TIME')
local now = (clock[1] * 1000 + floor(clock[2] / 1000)) % CYCLE
local shape, policies = ARGV[1], ARGV[2]
local reply, filled, before = {}, 0, 0

for decision = 1, #shape do
  local count = byte(shape, decision)
  local asks = count >= 128
  if asks then count = count - 128 end
  local admitted = true
  local logs, gone, stamps, left, reset = {}, {}, {}, {}, {}

  for j = 1, count do
    local key = KEYS[before + j]
    local requests, window = unpack('>I4I4', policies, 8 * (before + j) - 7)
    local log
    if requests > LONG then
      log = pcall('GETRANGE', key, -4 * requests, -1)
    else
      log = pcall('GET', key)
    end
    -- What another program has put there is no log: it is written over.
    if type(log) ~= 'string' or #log % 4 ~= 0 then log = '' end

    local size, first, stamp = #log / 4, 0, now
    if size > 0 then
      -- A replica that took over may be behind the primary's clock: time stands still until then,
      -- so that the log stays in order and nothing is forgotten early.
      local newest = unpack('>I4', log, #log - 3)
      local ahead = (newest - now) % CYCLE
      if ahead < HALF then stamp = newest end
      if (stamp - unpack('>I4', log, 1)) % CYCLE > window then
        local low, high = 1, size
        while low < high do
          local middle = floor((low + high) / 2)
          if (stamp - unpack('>I4', log, middle * 4 + 1)) % CYCLE > window then
            low = middle + 1
          else
            high = middle
          end
        end
        first = low
      end
    end

    local held = size - first
    logs[j], gone[j], stamps[j] = log, first, stamp
    if held >= requests then
      admitted = false
      left[j] = 0
      reset[j] = (unpack('>I4', log, (size - requests) * 4 + 1) + window + 1 - now) % CYCLE
    else
      left[j] = requests - held
      if held > 0 then reset[j] = (unpack('>I4', log, first * 4 + 1) + window + 1 - now) % CYCLE end
    end
  end

  local counts = admitted and not asks
  filled = filled + 1
  reply[filled] = admitted and '\1' or '\0'
  for j = 1, count do
    local lasts
    if counts then
      local key = KEYS[before + j]
      local requests, window = unpack('>I4I4', policies, 8 * (before + j) - 7)
      local stamp = pack('>I4', stamps[j])
      lasts = (stamps[j] - now) % CYCLE + window + 1
      if requests <= LONG then
        call('SET', key, (gone[j] == 0 and logs[j] or sub(logs[j], gone[j] * 4 + 1)) .. stamp, 'PX', lasts)
      elseif logs[j] == '' or call('STRLEN', key) > 8 * requests then
        call('SET', key, sub(logs[j], gone[j] * 4 + 1) .. stamp, 'PX', lasts)
      else
        call('APPEND', key, stamp)
        call('PEXPIRE', key, lasts)
      end
    end
    filled = filled + 1
    reply[filled] = pack('>I4I4', counts and left[j] - 1 or left[j], reset[j] or lasts and lasts - 1 or 0)
  end
  before = before + count
end
return table.concat(reply)
