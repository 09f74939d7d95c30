-- An exact sliding window for many decisions at once, on the server's clock.
--
-- A key holds the times of the requests that it has admitted, oldest first, four bytes each: ticks
-- of the clock modulo 2^32. A tick is a microsecond, or a millisecond where the window is too long
-- for that. A request has left its window when more than the window's ticks have passed.
--
-- A key's time to live is renewed once in an eighth of its window, for a window and an eighth more: so
-- it outlives each request's window, and most writes cost a fifth less.
--
-- No request is kept until it could be read as one of the clock's next cycle: what is written leaves
-- none that is older than half a cycle, and it is read again within a window and an eighth, or never.
--
-- KEYS     the keys of all decisions, one after the other
-- ARGV[1]  a byte a decision: how many keys it has, plus 128 if it only asks and counts nothing
-- ARGV[2]  eight bytes a key: how many requests, plus 2^31 for ticks of a millisecond, in how many
--          ticks. No requests: the key is cleared
-- reply    a decision after the other: a byte, 1 if it is admitted, then twelve bytes a key: how
--          many more would be admitted, and the seconds until that number grows
local pack, unpack, sub, byte, floor = struct.pack, struct.unpack, string.sub, string.byte, math.floor
local format, ceil, call, pcall = string.format, math.ceil, redis.call, redis.pcall
local CYCLE, HALF = 4294967296, 2147483648
-- Above this many requests the whole log is not written anew each time, but appended to.
local LONG = 1000

local clock = call('TIME')
local micros = (clock[1] * 1000000 + clock[2]) % CYCLE
local millis = (clock[1] * 1000 + floor(clock[2] / 1000)) % CYCLE
local shape, policies = ARGV[1], ARGV[2]
local reply, filled, before = {}, 0, 0
-- One set of tables for all decisions: each writes them anew as far as it reads them.
local logs, gone, stamps, nows, ticks, lives = {}, {}, {}, {}, {}, {}
local limits, windows, left, reset = {}, {}, {}, {}
-- Redis writes numbers out with 17 digits, slowly: each time to live is written once.
local written = {}

-- Whether the log may stay as it is and grow.
local function appends(key, log, requests, stamp)
  if requests <= LONG or log == '' or call('STRLEN', key) > 8 * requests then return false end
  return (stamp - unpack('>I4', call('GETRANGE', key, 0, 3))) % CYCLE < HALF
end

for decision = 1, #shape do
  local count = byte(shape, decision)
  local asks = count >= 128
  if asks then count = count - 128 end
  local admitted = true

  for j = 1, count do
    local key = KEYS[before + j]
    local requests, window = unpack('>I4I4', policies, 8 * (before + j) - 7)
    -- The clock's ticks now, and in a second.
    local now, second = micros, 1000000
    if requests >= HALF then
      requests, now, second = requests - HALF, millis, 1000
    end
    local log
    if requests == 0 then call('DEL', key) end
    if requests > LONG then
      log = pcall('GETRANGE', key, -4 * requests, -1)
    else
      log = pcall('GET', key)
    end
    -- What another program has put there is no log: it is written over.
    if type(log) ~= 'string' or #log % 4 ~= 0 then log = '' end

    local size, first, stamp, oldest = #log / 4, 0, now, nil
    local lives_on = false
    if size > 0 then
      -- A replica that took over may be behind the primary's clock: time stands still until then,
      -- so that the log stays in order and nothing is forgotten early.
      local newest = unpack('>I4', log, #log - 3)
      if (newest - now) % CYCLE < HALF then stamp = newest end
      lives_on = floor(8 * newest / window) == floor(8 * stamp / window)
      oldest = unpack('>I4', log, 1)
      if (stamp - oldest) % CYCLE > window then
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
        oldest = first < size and unpack('>I4', log, first * 4 + 1)
      end
    end

    local held = size - first
    if held >= requests and requests > 0 then
      admitted = false
      oldest = unpack('>I4', log, (size - requests) * 4 + 1)
    end
    logs[j], gone[j], stamps[j], nows[j], ticks[j] = log, first, stamp, now, second
    lives[j] = lives_on
    limits[j], windows[j] = requests, window
    left[j] = held < requests and requests - held or 0
    reset[j] = oldest and (oldest + window + 1 - now) % CYCLE / second
  end

  local counts = admitted and not asks
  filled = filled + 1
  reply[filled] = admitted and '\1' or '\0'
  for j = 1, count do
    local remaining, seconds = left[j], reset[j]
    if counts and limits[j] > 0 then
      local key, log, requests, stamp = KEYS[before + j], logs[j], limits[j], pack('>I4', stamps[j])
      local second, px = ticks[j], nil
      if not lives[j] then
        local lasts = ceil(((stamps[j] - nows[j]) % CYCLE + windows[j] * 9 / 8 + 1) * 1000 / second)
        px = written[lasts]
        if not px then
          px = format('%d', lasts)
          written[lasts] = px
        end
      end
      if appends(key, log, requests, stamps[j]) then
        call('APPEND', key, stamp)
        if px then call('PEXPIRE', key, px) end
      else
        if gone[j] > 0 then log = sub(log, gone[j] * 4 + 1) end
        if px then
          call('SET', key, log .. stamp, 'PX', px)
        else
          call('SET', key, log .. stamp, 'KEEPTTL')
        end
      end
      remaining = remaining - 1
      seconds = seconds or windows[j] / second
    end
    filled = filled + 1
    reply[filled] = pack('>I4d', remaining, seconds or 0)
  end
  before = before + count
end
return table.concat(reply)
