import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'
import { idRange } from '../../lib/index.ts'
import { lockBacklog } from './lock-backlog.ts'
import { type MessageKey, messageKeyArray } from './message-keys.ts'

export type EventMessage = MessageKey & {
  mode: string
  isBulk: boolean
  /** An attempt is under way: whether it reached the provider is yet to be recorded. */
  isSending: boolean
  /** Position, address, status. */
  recipients: [number, string, string][]
  /** Attempts at each recipient, newest first; empty unless the message was refused or has something left to do. */
  attempts: RecipientAttempt[]
}

export type RecipientAttempt = {
  position: number
  connectionId: string | null
  providerMessageId: string | null
  outcome: string
  /** Whether it was made before the newest retry of the recipient. */
  isBefore: boolean
  /** Whether a newer attempt was accepted, or may have been. */
  isSuperseded: boolean
}

/**
 * Messages of any tenants; those that are not there are left out. No attempt at them begins or ends before the transaction ends. `refused`: ids
 * of those that an event says to be refused.
 */
export async function findMessages(
  db: Queryable,
  keys: readonly MessageKey[],
  refused: readonly string[] = [],
): Promise<EventMessage[]> {
  if (keys.length === 0) return []
  const states = await lockBacklog(db, keys)
  const waiting = [...states.keys()]
  const { rows } = await db.query<Omit<EventMessage, 'isSending'>>({
    name: 'find-event-messages',
    text: `
      select k.tenant_id as "tenantId", k.message_id as "messageId", m.mode, m.stream = 'bulk' as "isBulk", r.recipients, t.attempts
      from unnest($1::provider_event_message[]) k
      cross join lateral (
        select m.mode, m.stream from message m
        where m.tenant_id = k.tenant_id and m.id = k.message_id and m.id between $2 and $3 offset 0
      ) m
      cross join lateral (
        select json_agg(json_build_array(p.position, p.address, p.status) order by p.position) as recipients from recipient p
        where p.tenant_id = k.tenant_id and p.message_id = k.message_id and p.message_id between $2 and $3
      ) r
      cross join lateral (
        select coalesce(json_agg(json_build_object('position', h.position, 'connectionId', h.connection_id, 'providerMessageId', h.provider_message_id,
                                                   'outcome', h.outcome, 'isBefore', h.is_before, 'isSuperseded', h.is_superseded) order by h.number desc), '[]') as attempts
        from (
          select p.position, a.number, a.connection_id, a.provider_message_id, a.outcome,
                 coalesce(a.finished_at < e.at, false) as is_before,
                 coalesce(bool_or(a.outcome in ('accepted', 'unknown')) over (
                   partition by p.position order by a.number desc rows between unbounded preceding and 1 preceding), false) as is_superseded
          from attempt a cross join unnest(a.recipients) p (position) cross join lateral (
            select max(e.at) as at from event e
            where k.message_id = any ($5::uuid[]) and e.tenant_id = k.tenant_id and e.message_id = k.message_id
              and e.message_id between $2 and $3 and e.type = 'recipient.retried' and e.position = p.position
          ) e
          where k.message_id = any ($4::uuid[]) and a.tenant_id = k.tenant_id and a.message_id = k.message_id and a.message_id between $2 and $3
        ) h
      ) t`,
    values: [
      await messageKeyArray(db, keys),
      ...idRange(keys.map(({ messageId }) => messageId)),
      [...refused, ...waiting],
      waiting,
    ],
  })
  return rows.map((row) => ({ ...row, isSending: states.get(row.messageId) === 'sending' }))
}

export type SentKey = { tenantId: string; provider: string; providerMessageId: string; at: Date }

const sentArray = rowArray<SentKey & { n: number }>('provider_event_key', [
  column('int4', (key) => key.n),
  column('uuid', (key) => key.tenantId),
  column('text', (key) => key.provider),
  column('text', (key) => key.providerMessageId),
])

/** The list is that of the index, which the planner would not use otherwise. */
const TEXT = `
  select k.n, a.message_id as "messageId" from unnest($1::provider_event_key[]) k
  cross join lateral (
    select a.message_id from attempt a
    where a.provider in ('ses', 'sendgrid', 'mailgun', 'mandrill', 'sparkpost', 'postmark', 'resend', 'brevo')
      and a.provider_message_id = k.provider_message_id and a.tenant_id = k.tenant_id and a.provider = k.provider
      and a.message_id between $2 and $3
    limit 1
  ) a`

const DAY_MS = 86_400_000
/** Most events come within hours of their mail; each further day is one more index to ask. */
const NEAR = { beforeMs: 2 * DAY_MS, afterMs: DAY_MS }
const ANY_ID = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const

function nearIds(keys: readonly SentKey[]): [string, string] {
  const times = keys.map(({ at }) => at.getTime()).sort((a, b) => a - b)
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0]
  return [uuidAtTime(new Date(first - NEAR.beforeMs)), uuidAtTime(new Date(last + NEAR.afterMs))]
}

/**
 * The messages that the tenants sent under these ids of their providers, in order; null where none is recorded. Any connection may have sent
 * it: two connections of one account get each other's events.
 */
export async function findSent(db: Queryable, keys: readonly SentKey[]): Promise<(string | null)[]> {
  const found: (string | null)[] = keys.map(() => null)
  const ask = async (range: readonly [string, string]) => {
    const wanted = keys.map((key, n) => ({ ...key, n })).filter(({ n }) => found[n] === null)
    if (wanted.length === 0) return
    const { rows } = await db.query<{ n: number; messageId: string }>({
      name: 'find-sent-messages',
      text: TEXT,
      values: [await sentArray(db, wanted), ...range],
    })
    for (const { n, messageId } of rows) found[n] = messageId
  }
  if (keys.length === 0) return found
  await ask(nearIds(keys))
  await ask(ANY_ID)
  return found
}
