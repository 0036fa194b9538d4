import type { Stream } from '@lettergate/contracts/messages/new-message'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import { type Counter, type QuotaState, toQuotaState, type UsageColumns } from '../../usage/index.ts'
import { everyCase } from './every-case.ts'
import { type AcceptRow, messageArray } from './message-batch.ts'
import { usualCase } from './usual-case.ts'

export type { AcceptRow } from './message-batch.ts'

/** One request: admitted as a whole or not at all. */
export type AcceptUnit = {
  tenantId: string
  mode: string
  requestId: string
  recipientCount: number
  idempotency: { keyHash: Buffer; bodyHash: Buffer; answer: string } | null
  messages: AcceptRow[]
  /** The version of the tenant's connections by which the pool's ways were judged; absent: the pool does not concern it. */
  connectionsVersion?: number | null
}

/**
 * `no-day`: the tenant's row of usage is not there yet, call `ensureUsage`. `stale`: the tenant's connections have changed. `key`: another
 * request has the idempotency key. The others name the counter without room.
 */
export type AcceptVerdict = 'go' | 'no-day' | 'stale' | 'key' | Counter

export type AcceptResult = {
  admitted: boolean
  verdict: AcceptVerdict
  /** Null with `no-day`. */
  usage: QuotaState | null
  /** As the tenant's row has it now. */
  connectionsVersion: number | null
  /** Database time of this transaction. */
  now: Date
  /** Recipients of the unit that count: not the suppressed ones. */
  counted: number
  suppressed: SuppressedRecipient[]
  /** Messages that wait for room on the pool. */
  held: string[]
}

/** A recipient that stands on a suppression list: the id of its message, and its position there. */
export type SuppressedRecipient = [messageId: string, position: number]

const writtenRaw = `, written_raw as (
  insert into message_raw_chunk (tenant_id, message_id, chunk, content)
  select i.tenant_id, i.id, 0, r.content
  from unnest($4::accept_raw[]) r
  join incoming i on i.id = r.message_id
)`

/** Each has one more statement, so that messages without a raw mail pay nothing for those with one. */
const statements = {
  usual: {
    plain: { name: 'accept-usual', text: usualCase() },
    withRaw: { name: 'accept-usual-raw', text: usualCase(writtenRaw) },
  },
  every: {
    plain: { name: 'accept-messages', text: everyCase() },
    withRaw: { name: 'accept-messages-raw', text: everyCase(writtenRaw) },
  },
}

type Row = UsageColumns &
  Pick<AcceptResult, 'connectionsVersion' | 'now' | 'counted'> & {
    verdict: AcceptVerdict | null
    suppressed: SuppressedRecipient[] | null
    held: string[] | null
  }

type Numbered<T> = T & { unit: number }
type RecipientRow = Numbered<AcceptRow['recipients'][number]> & {
  messageId: string
  position: number
  stream: Stream
}

const recipientsOf = ({ recipients }: AcceptRow): number => recipients.length
const isOffPool = ({ pool }: AcceptRow): boolean => (pool?.pool ?? 'no') === 'no'
const sum = (rows: AcceptRow[], of: (row: AcceptRow) => number): number =>
  rows.reduce((total, row) => total + of(row), 0)

const unitArray = rowArray<Numbered<AcceptUnit>>('accept_unit_3', [
  column('int4', (row) => row.unit),
  column('uuid', (row) => row.tenantId),
  column('text', (row) => row.mode),
  column('uuid', (row) => row.requestId),
  column('bytea', (row) => row.idempotency?.keyHash),
  column('bytea', (row) => row.idempotency?.bodyHash),
  column('json', (row) => row.idempotency?.answer),
  column('int4', (row) => row.connectionsVersion),
  column('int4', ({ messages }) => sum(messages, recipientsOf)),
  column('int4', ({ messages }) => sum(messages, (row) => (isOffPool(row) ? 0 : recipientsOf(row)))),
  column('int8', ({ messages }) => sum(messages, ({ contentBytes }) => contentBytes)),
])
const recipientArray = rowArray<RecipientRow>('accept_recipient_2', [
  column('int4', (row) => row.unit),
  column('uuid', (row) => row.messageId),
  column('int2', (row) => row.position),
  column('text', (row) => row.kind),
  column('text', (row) => row.address),
  column('text', (row) => row.name),
  column('text', (row) => row.stream),
])

const rawArray = rowArray<{ messageId: string; content: Buffer }>('accept_raw', [
  column('uuid', (row) => row.messageId),
  column('bytea', (row) => row.content),
])

type Options = {
  /** Documents and raw mails that the transaction has written already are left out. */
  hasContent?: boolean
}

async function run(
  db: Queryable,
  units: AcceptUnit[],
  { usual, hasContent = false }: Options & { usual: boolean },
): Promise<(AcceptResult | null)[]> {
  const messages = units.flatMap((unit, index) => unit.messages.map((row) => ({ unit: index, row })))
  const recipients = messages.flatMap(({ unit, row: { id: messageId, stream, recipients } }) =>
    recipients.map((recipient, position) => ({ ...recipient, unit, messageId, position, stream })),
  )
  const raws = hasContent
    ? []
    : messages.flatMap(({ row }) => (row.raw ? [{ messageId: row.id, content: row.raw }] : []))
  const { plain, withRaw } = usual ? statements.usual : statements.every
  const { rows } = await db.query<Row>({
    ...(raws.length > 0 ? withRaw : plain),
    values: [
      await unitArray(
        db,
        units.map((unit, index) => ({ ...unit, unit: index })),
      ),
      await messageArray(
        db,
        hasContent ? messages.map(({ unit, row }) => ({ unit, row: { ...row, document: null } })) : messages,
      ),
      await recipientArray(db, recipients),
      ...(raws.length > 0 ? [await rawArray(db, raws)] : []),
    ],
  })
  return rows.map((row) => row.verdict && toResult(row, row.verdict))
}

function toResult(row: Row, verdict: AcceptVerdict): AcceptResult {
  return {
    admitted: verdict === 'go',
    verdict,
    usage: toQuotaState(row),
    connectionsVersion: row.connectionsVersion,
    now: row.now,
    counted: row.counted,
    suppressed: row.suppressed ?? [],
    held: row.held ?? [],
  }
}

/**
 * Accepts, in one statement, the units that need no closer look, and answers for each unit, in order; null: nothing is decided, and
 * nothing of it is written. All or nothing commits.
 */
export function acceptUsual(
  db: Queryable,
  units: AcceptUnit[],
  options: Options = {},
): Promise<(AcceptResult | null)[]> {
  return run(db, units, { ...options, usual: true })
}

/** Decides all units, also those that have to be refused, have suppressed recipients or wait for the pool. */
export async function acceptEvery(
  db: Queryable,
  units: AcceptUnit[],
  options: Options = {},
): Promise<AcceptResult[]> {
  const results = await run(db, units, { ...options, usual: false })
  return results.map((result) => result ?? missingVerdict())
}

function missingVerdict(): never {
  throw new Error('the accept statement decided nothing for a unit')
}

/** Accepts what the quotas of the units' tenants allow and answers for each unit, in order: one statement, or a second one for a part. */
export async function acceptMessages(
  db: Queryable,
  units: AcceptUnit[],
  options: Options = {},
): Promise<AcceptResult[]> {
  const results = await acceptUsual(db, units, options)
  const rest = units.filter((_, index) => results[index] === null)
  const others = rest.length > 0 ? await acceptEvery(db, rest, options) : []
  return results.map((result) => result ?? others.shift() ?? missingVerdict())
}
