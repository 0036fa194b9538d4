import { hash } from 'node:crypto'
import { newId as newMachineId } from '@lettergate/contracts/lib/ids'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { BatcherFull, createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import type { WakeWorkers } from '../dispatch/index.ts'
import { createTurn, type Failpoint, fromStorage } from '../lib/index.ts'
import { carriedOfNew, type PoolMessage, type PoolWays } from '../routing/index.ts'
import { type Counter, isCounter, type QuotaState, quotas, type Refusal } from '../usage/index.ts'
import { acceptRow, type StoredAnswer, storedAnswer } from './message-rows.ts'
import type { AcceptRow, AcceptUnit } from './sql/accept-messages.ts'
import { findIdempotentAnswer } from './sql/find-idempotent-answer.ts'
import { createStore, type Stored, type TimedUnit } from './store.ts'

type AcceptedStatus = 'queued' | 'scheduled' | 'suppressed' | 'held'

export type AcceptedMessage = {
  id: string
  status: AcceptedStatus
  /** Probable mistakes, in whole sentences. */
  warnings?: string[]
  recipients: { address: string; kind: 'to' | 'cc' | 'bcc'; status: AcceptedStatus }[]
}

export type AcceptOutcome =
  /** In the order of the request's messages. `quota` is null when nothing was counted now (a repeat). */
  | {
      kind: 'accepted'
      messages: AcceptedMessage[]
      createdAt: Date
      quota: QuotaState | null
      replayed: boolean
      extra: unknown
    }
  | ({ kind: 'quota-exceeded'; quota: QuotaState } & Refusal)
  | { kind: 'key-reused' }
  | { kind: 'key-in-progress' }

type Tenant = { id: string; mode: 'live' | 'test' }

export type Idempotency = {
  key: string
  /** Keys of different routes do not meet. */
  route: string
  /** Of the body as a JSON value: what a repeat is recognised by. */
  bodyHash: Buffer
  /** Of its bytes: what earlier releases keep, so that repeats are recognised during an upgrade and for a day after it. */
  bytesHash?: Buffer
  /** Kept with the answer and given back on a repeat (the per-message problems of a batch). */
  extra?: unknown
}

export type AcceptRequest = {
  messages: NewMessage[]
  /** Of each message; absent: none. */
  warnings?: string[][]
  idempotency?: Idempotency
  /** When the client is answered, whatever the database does, as a time of `performance.now()`: later, nothing new is stored. */
  until?: number
}

export type Acceptor = {
  accept(tenant: Tenant, request: AcceptRequest): Promise<AcceptOutcome>
  /**
   * What a request with this key was answered before; null when there was none. For a repeat that would be refused by now
   * (its `send_at` has passed): it was accepted, and must be told so.
   */
  replay(tenant: Tenant, idempotency: Idempotency): Promise<AcceptOutcome | null>
  /** Requests that wait to be stored, or are being stored. */
  waiting(): number
  /** Resolves when everything under way has been answered. */
  drain(): Promise<void>
}

/** For whoever does not say until when. */
const ACCEPT_MS = 2_700
/** Requests in one transaction: bounds how long one statement holds the tenants' usage rows. */
const BATCH_MAX = 250
/** Requests that may wait for the database before new ones are refused. */
const WAITING_MAX = 2_000

/** Characters and bytes of content of one statement that others share; a request that has more is stored by itself. */
const SHARED_CHARS_MAX = 1024 * 1024

function contentChars({ messages }: TimedUnit): number {
  return messages.reduce((sum, { document, raw }) => sum + document.length + (raw?.length ?? 0), 0)
}

function keyHashOf(tenant: Tenant, { route, key }: Idempotency): Buffer {
  return hash('sha256', `${tenant.mode}\n${route}\n${key}`, 'buffer')
}

/** How ids are made, and addresses of ours that name them. */
type Making = { newId: () => string; replyAddress?: ((messageId: string) => string) | undefined }

/** The rows of all messages; many or long ones let others run in between. */
async function rowsOf(
  { newId, replyAddress }: Making,
  messages: readonly NewMessage[],
): Promise<AcceptRow[]> {
  const rows: AcceptRow[] = []
  const turn = createTurn()
  for (const message of messages) {
    rows.push(acceptRow(newId(), message, replyAddress))
    await turn()
  }
  return rows
}

function poolMessage(message: NewMessage): PoolMessage {
  const { stream, tags, from, to, cc, bcc, connectionId } = message
  return {
    stream,
    tags,
    fromAddress: from.address,
    recipients: [...to, ...cc, ...bcc],
    connectionId: connectionId ?? null,
    // Measured only where there is a pool.
    get carried() {
      return carriedOfNew(message)
    },
  }
}

async function toUnit(making: Making, tenant: Tenant, request: AcceptRequest): Promise<TimedUnit> {
  const messages = await rowsOf(making, request.messages)
  const { idempotency, until = performance.now() + ACCEPT_MS } = request
  return {
    until,
    tenantId: tenant.id,
    mode: tenant.mode,
    requestId: messages[0]?.id ?? making.newId(),
    recipientCount: messages.reduce((sum, message) => sum + message.recipients.length, 0),
    idempotency: idempotency
      ? {
          keyHash: keyHashOf(tenant, idempotency),
          bodyHash: idempotency.bodyHash,
          answer: JSON.stringify(storedAnswer(messages, idempotency.extra, request.warnings)),
        }
      : null,
    messages,
  }
}

function accepted(
  answer: StoredAnswer,
  createdAt: Date,
  quota: QuotaState | null,
  replayed: boolean,
): AcceptOutcome {
  const suppressed = Map.groupBy(answer.suppressed ?? [], ([messageId]) => messageId)
  const held = new Set(answer.held)
  const messages = answer.messages.map(({ id, send_at, warnings, recipients }): AcceptedMessage => {
    const isLater = send_at !== undefined && new Date(send_at) > createdAt
    const due = isLater ? 'scheduled' : held.has(id) ? 'held' : 'queued'
    const left = new Set(suppressed.get(id)?.map(([, position]) => position))
    return {
      id,
      status: left.size === recipients.length ? 'suppressed' : due,
      ...(warnings && { warnings: [...warnings] }),
      recipients: recipients.map((recipient, position) => ({
        ...recipient,
        status: left.has(position) ? 'suppressed' : due,
      })),
    }
  })
  return { kind: 'accepted', messages, createdAt, quota, replayed, extra: answer.extra }
}

const overloaded = (detail: string) => new Problem('overloaded', { detail, headers: { 'retry-after': '1' } })

function requestedOf(counter: Counter, unit: AcceptUnit, counted: number): number {
  const { asks } = quotas[counter]
  if (asks === 'bytes') return unit.messages.reduce((sum, { contentBytes }) => sum + contentBytes, 0)
  if (asks === 'n') return counted
  const must = unit.messages.filter(({ pool }) => pool?.pool === 'must' && pool.overflow === 'reject')
  return Math.min(
    counted,
    must.reduce((sum, { recipients }) => sum + recipients.length, 0),
  )
}

/**
 * Accepts messages: what this answers `accepted` for is committed, counted on the quota and will be sent.
 * Concurrent requests share a transaction, so the cost of one falls as load rises.
 */
export function createAcceptor(deps: {
  pool: Pool
  wakeWorkers: WakeWorkers
  /** How the shared pool concerns messages; absent: there is no pool. */
  ways?: PoolWays
  /** Makes message ids, which tell their day; this machine's clock dates them when absent. */
  newId?: () => string
  /** Where replies to a message go that asks for it. */
  replyAddress?: (messageId: string) => string
  failpoint: Failpoint
  onError: (error: unknown) => void
}): Acceptor {
  const { newId = newMachineId, replyAddress } = deps
  const store = createStore(deps)
  const small = createBatcher<TimedUnit, Stored>({
    run: store.storeUnits,
    itemsMax: BATCH_MAX,
    waitingMax: WAITING_MAX,
    weigh: contentChars,
    weightMax: SHARED_CHARS_MAX,
  })
  // Megabytes take their own lane, one transaction each, so that they hold up nobody's small message.
  const large = createBatcher<{ unit: TimedUnit; messages: NewMessage[] }, Stored>({
    run: async ([item]) => (item ? [await store.storeLarge(item.unit, item.messages)] : []),
    itemsMax: 1,
    waitingMax: 50,
  })

  async function readAnswer(tenant: Tenant, idempotency: Idempotency): Promise<AcceptOutcome | null> {
    const keyHash = keyHashOf(tenant, idempotency)
    const [record] = await fromStorage(
      findIdempotentAnswer<StoredAnswer>(deps.pool, [{ tenantId: tenant.id, keyHash }]),
    )
    if (!record) return null
    const isSame = [idempotency.bodyHash, idempotency.bytesHash].some((own) => own?.equals(record.bodyHash))
    if (!isSame) return { kind: 'key-reused' }
    return accepted(record.answer, record.createdAt, null, true)
  }

  async function answerRefused(
    { tenant, idempotency }: { tenant: Tenant; idempotency: Idempotency | undefined },
    unit: AcceptUnit,
    stored: Stored,
  ): Promise<AcceptOutcome | null> {
    const answer = idempotency && (await readAnswer(tenant, idempotency))
    if (answer) return answer
    if (stored.kind !== 'stored' || !isCounter(stored.verdict) || !stored.usage) return null
    const { counted = unit.recipientCount, verdict: counter, usage: quota } = stored
    const requested = requestedOf(counter, unit, counted)
    const { limit, used } = quota[counter]
    // What a repeat of another request was given in this statement is free again.
    if (limit === null || limit - used >= requested) return null
    return { kind: 'quota-exceeded', quota, counter, requested }
  }

  /** Asks how the pool concerns each message, by a view of the tenant's connections of at least this version. */
  async function addWays(unit: TimedUnit, messages: readonly NewMessage[], version: number): Promise<void> {
    if (!deps.ways || unit.mode !== 'live') return
    // The oldest of them: if that is out of date, all are judged anew.
    let judgedBy = Infinity
    for (const [index, message] of messages.entries()) {
      const row = unit.messages[index]
      if (!row) continue
      const way = await deps.ways.wayOf(unit.tenantId, poolMessage(message), version)
      row.pool = way
      judgedBy = Math.min(judgedBy, way.connectionsVersion ?? Infinity)
    }
    unit.connectionsVersion = judgedBy === Infinity ? null : judgedBy
  }

  async function store1(unit: TimedUnit, messages: NewMessage[]): Promise<Stored> {
    const isLarge =
      messages.some((message) => message.attachments.length > 0) || contentChars(unit) > SHARED_CHARS_MAX
    try {
      return await (isLarge ? large.add({ unit, messages }) : small.add(unit))
    } catch (error) {
      if (!(error instanceof BatcherFull)) throw error
      throw overloaded(
        'Too many requests wait to be stored. Nothing was accepted. Repeat the request after Retry-After.',
      )
    }
  }

  return {
    async accept(tenant, request) {
      const unit = await toUnit({ newId, replyAddress }, tenant, request)
      await addWays(unit, request.messages, 0)
      // A refusal that names no counter is the trace of a race that has ended meanwhile: try again.
      for (let round = 0; round < 5; round++) {
        const stored = await store1(unit, request.messages)
        if (stored.kind === 'key-in-progress') return { kind: 'key-in-progress' }
        if (stored.admitted) {
          deps.wakeWorkers(tenant.id)
          return accepted(
            {
              ...storedAnswer(unit.messages, request.idempotency?.extra, request.warnings),
              suppressed: stored.suppressed,
              held: stored.held,
            },
            stored.now,
            stored.usage,
            false,
          )
        }
        if (stored.verdict === 'stale') {
          await addWays(unit, request.messages, stored.connectionsVersion ?? 0)
          continue
        }
        const outcome = await answerRefused({ tenant, idempotency: request.idempotency }, unit, stored)
        if (outcome) return outcome
      }
      throw overloaded('The quota could not be reserved. Nothing was accepted. Repeat the request.')
    },
    replay: readAnswer,
    waiting: () => small.size(),
    async drain() {
      await Promise.all([small.drain(), large.drain()])
    },
  }
}
