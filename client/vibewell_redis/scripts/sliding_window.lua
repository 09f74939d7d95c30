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
local call, pcall = redis.call, redis.pcall
local CYCLE, HALF = 4294967296, 2147483648
-- Above this many requests the whole log is not written again each time, but appended to.
local LONG = 1000

local clock = call('TIME')
local micros = (clock[1] * 1000000 + clock[2]) % CYCLE
local shape, policies = ARGV[1], ARGV[2]
-- Most commands have one decision over one key: for these no table is made beside the reply's, which
-- has room for them. A decision over several keys keeps what it has read of each until it is made.
local reply, filled, before, saved = {'', '', ''}, 0, 0, {}
-- Redis writes numbers out with 17 digits, slowly: a time to live is mostly the one before it.
local lasted, px_text

for decision = 1, #shape do
  local count = byte(shape, decision)
  local asks = count >= 128
  if asks then count = count - 128 end
  local admitted = true
  local requests, window, now, second, log, first, stamp, lives_on, left, reset

  for j = 1, count do
    local key = KEYS[before + j]
    requests, window = unpack('>I4I4', policies, 8 * (before + j) - 7)
    -- The clock's ticks now, and in a second.
    now, second = micros, 1000000
    if requests >= HALF then
      requests, second = requests - HALF, 1000
      now = (clock[1] * 1000 + floor(clock[2] / 1000)) % CYCLE
    end
    if requests == 0 then call('DEL', key) end
    if requests > LONG then
      log = pcall('GETRANGE', key, -4 * requests, -1)
    else
      log = pcall('GET', key)
    end
    -- What another program has put there is no log: it is written over.
    if type(log) ~= 'string' or #log % 4 ~= 0 then log = '' end

    local size, oldest = #log / 4, nil
    first, stamp, lives_on = 0, now, false
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
    left = held < requests and requests - held or 0
    reset = oldest and (oldest + window + 1 - now) % CYCLE / second
    if count > 1 then
      local s = saved[j]
      if not s then
        s = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
        saved[j] = s
      end
      s[1], s[2], s[3], s[4], s[5] = requests, window, now, second, log
      s[6], s[7], s[8], s[9], s[10] = first, stamp, lives_on, left, reset
    end
  end

  local counts = admitted and not asks
  filled = filled + 1
  reply[filled] = admitted and '\1' or '\0'
  for j = 1, count do
    if count > 1 then
      local s = saved[j]
      requests, window, now, second, log = s[1], s[2], s[3], s[4], s[5]
      first, stamp, lives_on, left, reset = s[6], s[7], s[8], s[9], s[10]
    end
    if counts and requests > 0 then
      local key, entry, px = KEYS[before + j], pack('>I4', stamp), nil
      if not lives_on then
        local lasts = math.ceil(((stamp - now) % CYCLE + window * 9 / 8 + 1) * 1000 / second)
        if lasts ~= lasted then
          lasted, px_text = lasts, string.format('%d', lasts)
        end
        px = px_text
      end
      -- A log that may stay as it is and grow.
      if requests > LONG and log ~= '' and call('STRLEN', key) <= 8 * requests
        and (stamp - unpack('>I4', call('GETRANGE', key, 0, 3))) % CYCLE < HALF then
        call('APPEND', key, entry)
        if px then call('PEXPIRE', key, px) end
      else
        if first > 0 then log = sub(log, first * 4 + 1) end
        if px then
          call('SET', key, log .. entry, 'PX', px)
        else
          call('SET', key, log .. entry, 'KEEPTTL')
        end
      end
      left = left - 1
      reset = reset or window / second
    end
    filled = filled + 1
    reply[filled] = pack('>I4d', left, reset or 0)
  end
  before = before + count
end
return table.concat(reply)
