import { isDuplicateIn } from '@lettergate/db/errors'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Dns } from '@lettergate/egress/dns'
import { type Failpoint, notify } from '../lib/index.ts'
import type { GatewayNames } from './gateway-names.ts'
import { judgeRecord } from './judge-record.ts'
import {
  type Change,
  decide,
  decideKeys,
  failedBy,
  isProved,
  type JudgedRecord,
  proofOf,
} from './lifecycle.ts'
import { lookUp } from './look-up.ts'
import { type DomainWithKeys, findHolder, readDomain } from './sql/read-domain.ts'
import { type CheckResult, recordCheck } from './sql/record-check.ts'
import { wantedRecords } from './wanted-records.ts'

/** `superseded`: another check was recorded meanwhile, or the domain is deleted. */
export type CheckOutcome = 'verified' | 'pending' | 'warned' | 'failed' | 'taken' | 'superseded'

export type CheckDeps = {
  tenants: Tenants
  /** With the rights of a worker: a domain may have to be taken from another tenant. */
  db: Queryable
  dns: Dns
  gateway: GatewayNames
  now: () => number
  failpoint: Failpoint
}

const TAKEN =
  'Another tenant of this gateway has proved this domain, and its records are still there. If it is yours, remove those records, and check again.'
const LOST = 'Another tenant of this gateway has proved this domain, and your records were gone.'
/** A new key is looked for often during this time. */
const ROTATION_MS = 72 * 3_600_000
/** Of a holder, while somebody waits. */
const HOLDER_MS = 3_000

async function judgeAll(
  deps: CheckDeps,
  { domain, keys }: DomainWithKeys,
  ms?: number,
): Promise<JudgedRecord[]> {
  const wanted = wantedRecords(domain, keys, deps.gateway, deps.now())
  const sightings = await deps.dns.within((asker) => lookUp(asker, domain.name, wanted), ms)
  return wanted.map((one) => ({ wanted: one, judged: judgeRecord(one, sightings) }))
}

function resultOf(
  deps: CheckDeps,
  { domain, keys }: DomainWithKeys,
  records: JudgedRecord[],
  change: Change,
): CheckResult {
  const now = deps.now()
  const seen = new Map(records.flatMap(({ wanted: { key }, judged }) => (key ? [[key.id, judged]] : [])))
  const keyChanges = decideKeys(keys, seen, now)
  const returnPath = records.find(({ wanted: { kind } }) => kind === 'return_path')?.judged.status
  // Without an answer it stays as it is.
  const hasReturnPath =
    returnPath === 'temporary_failure' ? domain.has_return_path : returnPath === 'verified'
  const active = keyChanges.changed.filter(({ state }) => state !== 'new')
  return {
    change,
    isShared: deps.gateway.mayShare && isProved(change.state),
    hasReturnPath,
    records: records.map(({ wanted: { name }, judged }) => ({ name, ...judged })),
    keys: keyChanges,
    isVisible:
      isProved(change.state) !== isProved(domain.state) ||
      hasReturnPath !== domain.has_return_path ||
      active.length > 0,
    checkedAt: new Date(now),
  }
}

async function recordAndTell(
  deps: CheckDeps,
  tenantId: string,
  there: DomainWithKeys,
  records: JudgedRecord[],
  change: Change,
): Promise<boolean> {
  const isRecorded = await recordCheck(
    deps.db,
    tenantId,
    there.domain,
    resultOf(deps, there, records, change),
  )
  // Readers of the feed look every second as well.
  if (isRecorded && change.event !== null)
    await notify(deps.db, [{ channel: 'lg_feed', payload: tenantId }]).catch(() => undefined)
  return isRecorded
}

/** Takes the name from a holder whose records are gone at this moment, even within the grace. Answers whether it is free now. */
async function takeOver(deps: CheckDeps, name: string): Promise<boolean> {
  const holder = await findHolder(deps.db, name)
  if (!holder) return true
  const there = await readDomain(deps.db, holder.tenantId, holder.id)
  if (!there) return true
  const records = await judgeAll(deps, there, HOLDER_MS)
  if (proofOf(records) !== 'gone') return false
  const change = failedBy(there.domain, LOST, deps.now())
  return recordAndTell(deps, holder.tenantId, there, records, change)
}

/**
 * Looks the records of a domain up and records what follows. May be repeated and may run twice: what was read is recorded only onto the row
 * that it was read for. A process that dies before that leaves everything as it was.
 */
export async function checkDomain(deps: CheckDeps, tenantId: string, id: string): Promise<CheckOutcome> {
  const there = await readDomain(deps.tenants.forTenant(tenantId), tenantId, id)
  if (!there) return 'superseded'
  const records = await judgeAll(deps, there)
  const now = deps.now()
  const isRotating = there.keys.some(
    ({ state, created_at: made }) => state === 'new' && now - made.getTime() < ROTATION_MS,
  )
  const facts = { now, isRotating, chance: Math.random() }
  const decided = decide(there.domain, { ...facts, proof: proofOf(records) })
  const record = (change: Change) => recordAndTell(deps, tenantId, there, records, change)
  await deps.failpoint('after_domain_look_up')
  for (const isLast of [false, true]) {
    try {
      if (!(await record(decided))) return 'superseded'
      return outcomeOf(decided)
    } catch (error) {
      if (!isDuplicateIn(error, 'domain_holder')) throw error
      if (isLast || !(await takeOver(deps, there.domain.name))) break
    }
  }
  const waiting = decide(there.domain, { ...facts, proof: 'gone' })
  return (await record({ ...waiting, reason: TAKEN })) ? 'taken' : 'superseded'
}

function outcomeOf({ state, warned_at }: Change): CheckOutcome {
  if (state === 'verified') return warned_at === null ? 'verified' : 'warned'
  return state === 'failed' ? 'failed' : 'pending'
}
