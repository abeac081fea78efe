/**
 * The steps that must be atomic, as Lua. Each takes the key prefix as its one key (its hash tag puts every key
 * of Teal into one slot of a cluster) and its arguments as one JSON text; each reads and refuses before it
 * writes, so that a refusal, or Redis being out of memory, leaves nothing half done. What a way back needs is
 * written where the memory is full too: the claim, the command, and the commits of the rollback itself.
 *
 * Keys, after the prefix:
 *
 *     d:<id>             hash: record (JSON), version, epoch, events (count), service, place, terminal, settled
 *     d:<id>:inbox       list of commands (JSON), oldest first
 *     d:<id>:seen        sorted set of the ids of posted commands, by time
 *     d:<id>:events      list of events (JSON), the newest ones
 *     due                sorted set of ids by the time of their next turn
 *     slot:<service>     hash: acting, retaining, build (the greatest accepted one), doubt (of who last let go of it)
 *     queue:<service>    list of ids, the next one first
 *     all                sorted set of places (see `position`), all scores 0
 *     service:<service>  the same for one service
 *     audit              sorted set of places of the audit's lines (see `auditPlace`), all scores 0
 *     settled:<service>  the same for its settled deployments
 *     idem:<key>         hash: id, fingerprint; expires
 *     permit:<uuid>      while it is there, the create or post that names it may be carried out; expires
 *     confirmation       written before replicas are asked for a confirmation (see confirmation.ts)
 *     changes            channel: ids of what was committed
 */
import type { Redis, Result } from "ioredis";

/** Acting, retaining and doubt are empty where there is none. */
export type SlotReply = [acting: string, retaining: string, queue: string[], doubt: string];

/** `build` is empty where none was accepted. */
export type BuildSlotReply = [...SlotReply, build: string];

export type CreateReply =
  | ["created", asked: string]
  | ["existing", record: string]
  | ["busy", acting: string]
  | ["stale", accepted: string]
  | ["conflict"]
  | ["late"];

export type ClaimReply =
  | [epoch: number, version: string, record: string, inbox: string[], slot: SlotReply, time: string[]]
  | null;

export type CommitReply =
  | ["committed", version: number, inbox: string[], slot: SlotReply, wake: string[]]
  | ["again", inbox: string[], slot: SlotReply]
  | ["lost"]
  | ["defect", eventsStored: number];

declare module "ioredis" {
  interface RedisCommander<Context> {
    tealPermit(prefix: string, json: string): Result<string, Context>;
    tealCreate(prefix: string, json: string): Result<CreateReply, Context>;
    tealClaim(prefix: string, json: string): Result<ClaimReply, Context>;
    tealCommit(prefix: string, json: string): Result<CommitReply, Context>;
    tealPost(prefix: string, json: string): Result<"posted" | "absent" | "full" | "late", Context>;
    tealEvents(prefix: string, json: string): Result<string[], Context>;
    tealSlot(prefix: string, json: string): Result<BuildSlotReply, Context>;
  }
}

/** Makes the scripts known to a connection; they are sent once and called by digest. */
export function defineScripts(redis: Redis): void {
  const all = { tealPermit, tealCreate, tealClaim, tealCommit, tealPost, tealEvents, tealSlot };
  for (const [name, lua] of Object.entries(all)) {
    redis.defineCommand(name, { numberOfKeys: 1, lua: shared + lua });
  }
}

const shared = /* lua */ `
local call = redis.call
local p = KEYS[1] .. ':'
local a = cjson.decode(ARGV[1])

-- Where the memory is full, Redis refuses the first write of a script, and no later one, so as not to leave it half
-- done. The first one here needs no memory.
local function writeThoughFull() call('DEL', p .. 'nothing') end

local function deploymentKey(id) return p .. 'd:' .. id end

local function slotOf(service)
  local slot = call('HMGET', p .. 'slot:' .. service, 'acting', 'retaining', 'doubt')
  return { slot[1] or '', slot[2] or '', call('LRANGE', p .. 'queue:' .. service, 0, -1), slot[3] or '' }
end

local function dueBy(id, at)
  call('ZADD', p .. 'due', 'LT', at, id)
end

-- Gives a free slot to the head of the queue; returns its id.
local function fill(service, now)
  local slot = p .. 'slot:' .. service
  while call('HEXISTS', slot, 'acting') == 0 do
    local id = call('LPOP', p .. 'queue:' .. service)
    if not id then return nil end
    if call('HGET', deploymentKey(id), 'terminal') == '0' then
      call('HSET', slot, 'acting', id)
      if call('HGET', slot, 'retaining') == id then call('HDEL', slot, 'retaining') end
      dueBy(id, now)
      return id
    end
  end
end

local function append(id, command, commandId, now, seenMax)
  local key = deploymentKey(id)
  if call('ZADD', key .. ':seen', 'NX', now, commandId) == 0 then return end
  call('ZREMRANGEBYRANK', key .. ':seen', 0, -seenMax - 1)
  call('RPUSH', key .. ':inbox', command)
  dueBy(id, now)
end

-- Where the lines of the audit stand; beyond what is kept the oldest go.
local function audit(places)
  for _, place in ipairs(places) do call('ZADD', p .. 'audit', 0, place) end
  call('ZREMRANGEBYRANK', p .. 'audit', 0, -a.limits.audit - 1)
end

local function insert(d)
  local key = deploymentKey(d.id)
  call('HSET', key, 'record', d.record, 'version', 0, 'epoch', 0, 'events', #d.events,
    'service', d.service, 'place', d.place, 'terminal', '0', 'settled', '0')
  for _, event in ipairs(d.events) do call('RPUSH', key .. ':events', event) end
  -- Not first: once a script has deleted something, a Redis that is full lets it write all the rest.
  audit(d.audit)
  call('ZADD', p .. 'all', 0, d.place)
  call('ZADD', p .. 'service:' .. d.service, 0, d.place)
  dueBy(d.id, d.createdAt)
end

-- Deletes what is beyond the number of settled deployments to keep, oldest first, a few at a time.
local function trim(service, keep, batch)
  local settled = p .. 'settled:' .. service
  local excess = math.min(call('ZCARD', settled) - keep, batch)
  if excess <= 0 then return end
  local slot = slotOf(service)
  local inSlot = { [slot[1]] = true, [slot[2]] = true }
  for _, id in ipairs(slot[3]) do inSlot[id] = true end
  for _, place in ipairs(call('ZRANGE', settled, 0, excess - 1)) do
    local id = string.match(place, '^%d+:(.*)$')
    local key = deploymentKey(id)
    if not inSlot[id] and call('LLEN', key .. ':inbox') == 0 then
      call('DEL', key, key .. ':inbox', key .. ':seen', key .. ':events')
      call('ZREM', p .. 'due', id)
      call('ZREM', p .. 'all', place)
      call('ZREM', p .. 'service:' .. service, place)
      call('ZREM', settled, place)
    end
  end
end
`;

/** Arguments: permit, ms. */
const tealPermit = /* lua */ `
writeThoughFull()
return call('SET', a.permit, '1', 'PX', a.ms)
`;

/**
 * Arguments: permit, deployment {id, service, record, events, place, createdAt}, reject, first? {commandId, command},
 * idempotency?, build? {number, force}, limits.
 */
const tealCreate = /* lua */ `
if call('EXISTS', a.permit) == 0 then return { 'late' } end
local d = a.deployment
local idem = a.idempotency and (p .. 'idem:' .. a.idempotency.key)
if idem then
  local earlier = call('HMGET', idem, 'id', 'fingerprint')
  local record = earlier[1] and call('HGET', deploymentKey(earlier[1]), 'record')
  if record then
    if earlier[2] ~= a.idempotency.fingerprint then return { 'conflict' } end
    return { 'existing', record }
  end
end
local same = call('HGET', deploymentKey(d.id), 'record')
if same then return { 'existing', same } end
local slot = slotOf(d.service)
local slotKey = p .. 'slot:' .. d.service
local accepted = call('HGET', slotKey, 'build')
local older = a.build and accepted and a.build.number < tonumber(accepted)
if older and not a.build.force then return { 'stale', accepted } end
local acting = slot[1] ~= '' and slot[1] or slot[3][1]
if acting and (a.reject or (not a.first and #slot[3] >= a.limits.queue)) then return { 'busy', acting } end

if a.first then writeThoughFull() end
insert(d)
if idem then
  call('HSET', idem, 'id', d.id, 'fingerprint', a.idempotency.fingerprint)
  call('PEXPIRE', idem, a.limits.idempotencyMs)
end
if a.build and not older then call('HSET', slotKey, 'build', a.build.number) end
call(a.first and 'LPUSH' or 'RPUSH', p .. 'queue:' .. d.service, d.id)
fill(d.service, d.createdAt)
trim(d.service, a.limits.settled, a.limits.trimBatch)
if a.first and slot[1] ~= '' then append(slot[1], a.first.command, a.first.commandId, d.createdAt, a.limits.seen) end
call('DEL', a.permit)
call('PUBLISH', p .. 'changes', d.id)
return { 'created', a.first and slot[1] or '' }
`;

/**
 * Arguments: id, schema. A record of a newer schema is given without being claimed: a worker that can't read it
 * must not take it from one that can.
 */
const tealClaim = /* lua */ `
local key = deploymentKey(a.id)
local found = call('HMGET', key, 'version', 'record', 'service')
if not found[1] then return false end
writeThoughFull()
local known = cjson.decode(found[2]).schema <= a.schema
local epoch = known and call('HINCRBY', key, 'epoch', 1) or 0
return { epoch, found[1], found[2], call('LRANGE', key .. ':inbox', 0, -1), slotOf(found[3]), call('TIME') }
`;

/**
 * Arguments: id, wayBack, epoch, version, inbox (ids), slot {acting, retaining, queue}, now, record, terminal, settled,
 * seq (of the first event), events, wakeAt?, change?, doubt?, spawn? (as in create, of the same service), tell [{id, commandId, command}], limits.
 */
const tealCommit = /* lua */ `
local key = deploymentKey(a.id)
local found = call('HMGET', key, 'epoch', 'version', 'events', 'service', 'place')
if not found[1] or tonumber(found[1]) ~= a.epoch or tonumber(found[2]) ~= a.version then return { 'lost' } end
local service = found[4]

local inbox = call('LRANGE', key .. ':inbox', 0, -1)
local slot = slotOf(service)
local same = #inbox == #a.inbox and slot[1] == a.slot.acting and slot[2] == a.slot.retaining
  and #slot[3] == #a.slot.queue
for i, id in ipairs(a.inbox) do same = same and cjson.decode(inbox[i]).id == id end
for i, id in ipairs(a.slot.queue) do same = same and slot[3][i] == id end
if not same then return { 'again', inbox, slot } end
if tonumber(found[3]) ~= a.seq then return { 'defect', tonumber(found[3]) } end
if a.wayBack then writeThoughFull() end

call('HSET', key, 'record', a.record, 'version', a.version + 1, 'events', a.seq + #a.events,
  'terminal', a.terminal and '1' or '0', 'settled', a.settled and '1' or '0')
for _, event in ipairs(a.events) do call('RPUSH', key .. ':events', event) end
call('LTRIM', key .. ':events', -a.limits.events, -1)
audit(a.audit)
call('DEL', key .. ':inbox')
if a.wakeAt then call('ZADD', p .. 'due', a.wakeAt, a.id) else call('ZREM', p .. 'due', a.id) end
if a.settled then call('ZADD', p .. 'settled:' .. service, 0, found[5])
else call('ZREM', p .. 'settled:' .. service, found[5]) end

if a.change then
  local slotKey = p .. 'slot:' .. service
  call('LREM', p .. 'queue:' .. service, 0, a.id)
  if a.change == 'retake' then
    if slot[1] ~= a.id then call('LPUSH', p .. 'queue:' .. service, a.id) end
  else
    if slot[1] == a.id then call('HDEL', slotKey, 'acting') end
    if a.change == 'retain' then call('HSET', slotKey, 'retaining', a.id)
    elseif slot[2] == a.id then call('HDEL', slotKey, 'retaining') end
    if a.doubt then call('HSET', slotKey, 'doubt', a.doubt) end
  end
end

local wake, listed = {}, { [a.id] = true }
local function add(id)
  if id and not listed[id] then
    listed[id] = true
    wake[#wake + 1] = id
  end
end
if a.spawn and call('EXISTS', deploymentKey(a.spawn.id)) == 0 then
  insert(a.spawn)
  call('LPUSH', p .. 'queue:' .. service, a.spawn.id)
  add(a.spawn.id)
  call('PUBLISH', p .. 'changes', a.spawn.id)
end
add(fill(service, a.now))
for _, tell in ipairs(a.tell) do
  if call('EXISTS', deploymentKey(tell.id)) == 1 then
    append(tell.id, tell.command, tell.commandId, a.now, a.limits.seen)
    add(tell.id)
  end
end
trim(service, a.limits.settled, a.limits.trimBatch)
call('PUBLISH', p .. 'changes', a.id)
return { 'committed', a.version + 1, call('LRANGE', key .. ':inbox', 0, -1), slotOf(service), wake }
`;

/** Arguments: permit, wayBack, id, commandId, command, now, limits. */
const tealPost = /* lua */ `
if call('EXISTS', a.permit) == 0 then return 'late' end
local key = deploymentKey(a.id)
if call('EXISTS', key) == 0 then return 'absent' end
if call('ZSCORE', key .. ':seen', a.commandId) then return 'posted' end
if call('LLEN', key .. ':inbox') >= (a.wayBack and 2 or 1) * a.limits.inbox then return 'full' end
if a.wayBack then writeThoughFull() end
append(a.id, a.command, a.commandId, a.now, a.limits.seen)
call('DEL', a.permit)
return 'posted'
`;

/** Arguments: id, from, limit. */
const tealEvents = /* lua */ `
local key = deploymentKey(a.id)
local count = tonumber(call('HGET', key, 'events') or 0)
local first = math.max(0, a.from - (count - call('LLEN', key .. ':events')))
return call('LRANGE', key .. ':events', first, first + a.limit - 1)
`;

/** Arguments: service. */
const tealSlot = /* lua */ `
local slot = slotOf(a.service)
slot[5] = call('HGET', p .. 'slot:' .. a.service, 'build') or ''
return slot
`;
