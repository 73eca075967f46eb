import { createHash } from "node:crypto";

/** A script that Redis runs as one step, and the digest by which it knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/**
 * What is stored, for each session:
 *
 * - `{key}:items`: a list of the items, as JSON text; its length is the version.
 * - `{key}:operations`: a hash from operation id, as JSON text, to `from:to`, and `layout` with the number of this layout.
 * - `{key}:lease`: the run that holds it.
 *
 * The braces put them in one slot of a cluster. The sessions of a tenant are in the sorted set `index`, which is in
 * another slot, so it is written by a script of its own: before a session begins, and after that beside each append.
 */
export const LAYOUT = "1";

/** Keys: items, operations. Arguments: from. Gives the layout, the version and the items. */
export const READ: Script = script(`
  return {redis.call('HGET', KEYS[2], 'layout'), redis.call('LLEN', KEYS[1]), redis.call('LRANGE', KEYS[1], ARGV[1], -1)}
`);

/** Keys: items, operations. Arguments: expected version, operation, milliseconds to live or 0, items. Gives a word and a number. */
export const APPEND: Script = script(`
  local layout = redis.call('HGET', KEYS[2], 'layout')
  if layout and layout ~= '${LAYOUT}' then return {'layout', layout} end
  local version = redis.call('LLEN', KEYS[1])
  local done = redis.call('HGET', KEYS[2], ARGV[2])
  if done then
    local from, to = done:match('^(%d+):(%d+)$')
    local stored = redis.call('LRANGE', KEYS[1], from, to - 1)
    if #stored ~= #ARGV - 3 then return {'mismatch', 0} end
    for at = 1, #stored do
      if stored[at] ~= ARGV[at + 3] then return {'mismatch', 0} end
    end
    return {'done', tonumber(to)}
  end
  if version ~= tonumber(ARGV[1]) then return {'conflict', version} end
  for at = 4, #ARGV, 1000 do
    redis.call('RPUSH', KEYS[1], unpack(ARGV, at, math.min(at + 999, #ARGV)))
  end
  local next = version + #ARGV - 3
  redis.call('HSET', KEYS[2], ARGV[2], version .. ':' .. next, 'layout', '${LAYOUT}')
  if ARGV[3] ~= '0' then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end
  return {'done', next}
`);

/** Keys: items, operations. */
export const DELETE: Script = script(`return redis.call('DEL', KEYS[1], KEYS[2])`);

/** Keys: items. */
export const EXISTS: Script = script(`return redis.call('EXISTS', KEYS[1])`);

/** Keys: index. Arguments: session. Puts it in front, by a number that grows also when the clock goes back. */
export const TOUCH: Script = script(`
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if last[2] and tonumber(last[2]) >= now then now = tonumber(last[2]) + 1 end
  return redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
`);

/** Keys: index. Arguments: session, and nothing or the number that it must still have. */
export const FORGET: Script = script(`
  if ARGV[2] and redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
  return redis.call('ZREM', KEYS[1], ARGV[1])
`);

/** Keys: index. Arguments: the number before which to begin, how many. Gives sessions and numbers in turn. */
export const PAGE: Script = script(`
  return redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
`);

/** Keys: lease. Arguments: run, milliseconds. */
export const TAKE_LEASE: Script = script(`
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
`);

/** Keys: lease. Arguments: run, milliseconds. */
export const RENEW_LEASE: Script = script(`
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** Keys: lease. Arguments: run. */
export const RELEASE_LEASE: Script = script(`
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return redis.call('DEL', KEYS[1])
`);

function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
