-- One reservation by Doorbuster's rules: answered once for an order's id, as many units as there are, as many for a shopper as he
-- may have, an index by deadline for those that end, and an event for whoever follows.
-- KEYS  1 stock  2 units by shopper  3 order  4 open orders by deadline  5 events
-- ARGV  1 order  2 SKU  3 shopper  4 units  5 limit  6 deadline, ms  7 how long the answer is remembered, ms
-- Returns 0 held, 1 known; -1 sold out, -2 over the limit, -3 no such SKU
if redis.call('EXISTS', KEYS[3]) == 1 then return 1 end
local units = tonumber(ARGV[4])
local stock = redis.call('GET', KEYS[1])
if not stock then return -3 end
if tonumber(stock) < units then return -1 end
if tonumber(redis.call('HGET', KEYS[2], ARGV[3]) or '0') + units > tonumber(ARGV[5]) then return -2 end
redis.call('DECRBY', KEYS[1], units)
redis.call('HINCRBY', KEYS[2], ARGV[3], units)
redis.call('SET', KEYS[3], 'H|' .. ARGV[2] .. '|' .. ARGV[3] .. '|' .. ARGV[4], 'PX', ARGV[7])
redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', '2000000', '*', 'o', ARGV[1], 's', ARGV[2], 'u', ARGV[3], 'q', ARGV[4])
return 0
