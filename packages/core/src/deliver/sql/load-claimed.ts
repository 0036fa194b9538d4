import type { Mode } from '@lettergate/contracts/messages/new-message'
import type { Queryable } from '@lettergate/db/pool'
import { ASKING_WORKER } from '@lettergate/db/worker-sign'
import { claimKeyArray } from '../../dispatch/index.ts'
import {
  type ContentDocument,
  type Envelope,
  idRange,
  isPending,
  type MessageColumns,
  POOL_TENANT_ID,
  type StoredRecipient,
} from '../../lib/index.ts'
import { suppressedBecause, suppressionOf } from '../../suppressions/index.ts'
import { mayBeTaken } from '../../usage/index.ts'
import { RETRIES_END } from '../retry-end.ts'

export type LoadedRecipient = StoredRecipient & { position: number; status: string }

/** An attempt with unknown outcome; `startedAt`: of the first of its repeats. */
export type UnknownAttempt = {
  connectionId: string | null
  startedAt: Date
  /** Positions of its recipients; absent: all. */
  positions?: number[]
}

export type EarlierTry = {
  connectionId: string | null
  outcome: string
  scope: string | null
  code: string | null
  /** Positions of its recipients. */
  positions: number[]
  /** Recipients refused by name and left to another connection, with the code; absent: none. */
  passedOn?: { position: number; code: string }[] | null
}

/** A recipient on a suppression list, as of loading. */
export type SuppressedNow = { position: number; reason: string }

/** What the backlog and the tenant say of a claimed message. */
type Claimed = {
  tenantId: string
  messageId: string
  epoch: number
  mode: Mode
  attempts: number
  /** The tenant's retry limit. */
  retryHours: number
  /** Until retries end. */
  expiresInMs: number
  onUnknown: 'hold' | 'resend'
  connectionsVersion: number
  /** Of the shared pool's connections and settings; 0: there never were any. */
  poolVersion: number
  /** The day whose share of the pool the message is counted on; null: it is not. */
  poolDay: string | null
  /** The connection with a reserved sending time that was just reached; older reservations lapse, or all would be sent together after an outage. */
  reservedAt?: string | null
  /** Recipients that were put on a suppression list since the message was accepted; null: none. */
  suppressed?: SuppressedNow[] | null
  document: ContentDocument
}

/** What sending needs of the columns of a message. */
export type SentColumns = Omit<MessageColumns, 'sendAt' | 'contentBytes' | 'callbackUrl'>

/** The data of the message itself: its document while no outcome was recorded, else its rows. */
type Facts = SentColumns & {
  createdAt: Date
  usageDay: string
  recipients: LoadedRecipient[]
  /** All attempts of unknown outcome, one for each set of recipients that waits; the one that was repeated longest ago first. */
  unknownAttempts: UnknownAttempt[]
  /** Positions of recipients that any attempt may have reached: their quota is never refunded. */
  maybeTaken?: number[]
  /** Attempts since the due time, in order. */
  tries: EarlierTry[]
}

/** A message without its attachments. */
export type LoadedMessage = Claimed &
  Facts & {
    /** The attempt in progress, once the message is being sent. */
    sending: { connectionId: string | null; provider: string; startedAt: Date } | null
  }

/**
 * Loads claimed messages. The content document suffices for a first attempt; the message and its recipients are read only for later ones
 * (`stored`). `limit 1` keeps each lookup a probe: a plain join, planned while tables were small, read them whole. The range of ids prunes
 * the other days' partitions.
 * A retry requested by the tenant starts a new round (`first_due_at`): unknown attempts of earlier rounds are the tenant's own risk. This
 * concerns further attempts only (`unknownAttempts`); the refund of quota depends on all attempts of the message (`maybeTaken`).
 * Recipients are looked up in the suppression lists again (`suppressed`), unless one probe says that nothing was added to the tenant's list
 * since accept did so. A minute more, since an entry is dated by the begin of its transaction. Not for a message that is being sent: its call
 * carried what it carried.
 * Where there is no shared pool, nothing is looked up about it.
 * Before anything of a message is in this process, its claim is recorded with this worker (`noted`): if the process dies, the sweeper knows
 * its claims. This record need not survive a crash of Postgres, so its commit, the only write here, is asynchronous.
 */
const TAKEN = mayBeTaken({
  tenantId: 'k.tenant_id',
  messageId: 'k.message_id',
  position: 'p.position',
  range: { from: '$3', to: '$4' },
})

const LISTED = suppressionOf({
  tenantId: 'k.tenant_id',
  mode: 'o.mode',
  address: 'p.address',
  stream: `case when o.is_bulk then 'bulk' else 'transactional' end`,
})

const TEXT = `
with noted as (
  insert into claim_in_hand (epochs, worker)
  select array_agg(k.epoch), ${ASKING_WORKER} from unnest($1::claim_key[]) as k where $2::text = 'claimed'
  having count(*) > 0 and set_config('synchronous_commit', 'off', true) is not null
), pool as materialized (
  select coalesce(max(connections_version), 0) as version from tenant where id = '${POOL_TENANT_ID}'
)
select o.tenant_id as "tenantId", o.message_id as "messageId", o.epoch, o.attempts, o.mode, o.accepted_at as "acceptedAt", o.provider,
       o.connection_id as "sendingConnectionId", o.sending_at as "sendingAt",
       ceil(extract(epoch from ${RETRIES_END} - now()) * 1000)::float8 as "expiresInMs",
       case when o.wait_why = 'rate' and o.wait_version = t.connections_version and o.due_at > now() - interval '5 seconds'
            then o.wait_for end as "reservedAt",
       t.retry_hours as "retryHours", t.on_unknown as "onUnknown", t.connections_version as "connectionsVersion",
       (select version from pool) as "poolVersion", shared.pool_day as "poolDay", c.document, s.stored,
       case when $2::text = 'claimed' and (o.accepted_at is null or exists (
              select from suppression n
              where n.tenant_id = k.tenant_id and n.mode = o.mode and n.created_at > o.accepted_at - interval '1 minute'))
            then (
              select json_agg(json_build_object('position', p.position, 'reason', ${suppressedBecause('p.listed')}) order by p.position)
              from (
                select p.position, ${LISTED} as listed from recipient p
                where p.tenant_id = k.tenant_id and p.message_id = k.message_id and p.message_id between $3 and $4
                  and ${isPending('p.status')}) p
              where p.listed is not null)
            end as suppressed
from unnest($1::claim_key[]) as k
join outbox o on o.message_id = k.message_id and o.epoch = k.epoch and o.tenant_id = k.tenant_id
join tenant t on t.id = o.tenant_id
cross join lateral (
  select document from message_content c
  where c.tenant_id = k.tenant_id and c.message_id = k.message_id and c.message_id between $3 and $4
  limit 1
) c
left join lateral (
  select json_build_object(
    'createdAt', m.created_at, 'usageDay', m.usage_day, 'fromAddress', m.from_address, 'fromName', m.from_name,
    'subject', m.subject, 'tags', m.tags, 'metadata', m.metadata, 'connectionId', m.connection_id, 'stream', m.stream,
    'attachmentCount', m.attachment_count,
    'recipients', (
      select json_agg(json_build_object('position', p.position, 'kind', p.kind, 'address', p.address, 'name', p.name,
                                        'status', p.status) order by p.position)
      from recipient p
      where p.tenant_id = k.tenant_id and p.message_id = k.message_id and p.message_id between $3 and $4),
    'unknownAttempts', (
      select json_agg(json_build_object('connectionId', d.connection_id, 'startedAt', d.first, 'positions', d.recipients)
                      order by d.last, d.number)
      from (
        select a.recipients, min(a.number) as number, min(a.started_at) as first, max(a.started_at) as last,
               (array_agg(a.connection_id order by a.number))[1] as connection_id
        from attempt a
        where t.on_unknown = 'hold' and o.attempts > 0 and a.tenant_id = k.tenant_id and a.message_id = k.message_id
          and a.message_id between $3 and $4 and a.outcome = 'unknown' and a.started_at >= o.first_due_at
        group by a.recipients
      ) d
      where exists (
        select from recipient p
        where p.tenant_id = k.tenant_id and p.message_id = k.message_id and p.message_id between $3 and $4
          and p.position = any (d.recipients) and ${isPending('p.status')})),
    'maybeTaken', (
      select json_agg(p.position)
      from recipient p
      where o.attempts > 0 and p.tenant_id = k.tenant_id and p.message_id = k.message_id and p.message_id between $3 and $4
        and ${isPending('p.status')} and ${TAKEN}),
    'tries', (
      select json_agg(json_build_object('connectionId', a.connection_id, 'outcome', a.outcome, 'scope', a.scope, 'code', a.code,
                                        'positions', a.recipients, 'passedOn', a.choice -> 'passedOn') order by a.number)
      from attempt a
      where o.attempts > 0 and a.tenant_id = k.tenant_id and a.message_id = k.message_id and a.message_id between $3 and $4
        and a.started_at >= o.first_due_at)
  ) as stored
  from message m
  where o.accepted_at is null and m.tenant_id = k.tenant_id and m.id = k.message_id and m.id between $3 and $4
  limit 1
) s on true
left join lateral (
  select case when m.pool_n > 0 then m.pool_day end as pool_day from message m
  where (select version from pool) > 0 and m.tenant_id = k.tenant_id and m.id = k.message_id and m.id between $3 and $4
  limit 1
) shared on true
where o.state = $2::text`

/** As JSON has it: without dates, and null for an empty list. */
type Stored = Omit<Facts, 'createdAt' | 'unknownAttempts' | 'maybeTaken' | 'tries'> & {
  createdAt: string
  unknownAttempts: (Omit<UnknownAttempt, 'startedAt'> & { startedAt: string })[] | null
  maybeTaken: number[] | null
  tries: EarlierTry[] | null
}

type Row = Claimed & {
  acceptedAt: Date | null
  provider: string | null
  sendingConnectionId: string | null
  sendingAt: Date | null
  stored: Stored | null
}

/** Loads the messages whose claim still holds, in any order; the others are missing from the answer. */
export async function loadClaimed(
  db: Queryable,
  claims: { tenantId: string; messageId: string; epoch: number }[],
  state: 'claimed' | 'sending',
): Promise<LoadedMessage[]> {
  if (claims.length === 0) return []
  const ids = claims.map((claim) => claim.messageId)
  const { rows } = await db.query<Row>({
    name: 'load-claimed',
    text: TEXT,
    values: [await claimKeyArray(db, claims), state, ...idRange(ids)],
  })
  return rows.map(toMessage).filter((message) => message !== null)
}

/** Null: the rows of the message are gone; the others of the batch go on. */
function toMessage(row: Row): LoadedMessage | null {
  const { acceptedAt, provider, sendingConnectionId, sendingAt, stored, ...claimed } = row
  const { envelope } = row.document
  const facts = acceptedAt && envelope ? fromEnvelope(envelope, acceptedAt) : stored && fromStored(stored)
  if (!facts) return null
  return {
    ...claimed,
    ...facts,
    sending:
      sendingAt && provider ? { connectionId: sendingConnectionId, provider, startedAt: sendingAt } : null,
  }
}

function fromEnvelope(envelope: Envelope, acceptedAt: Date): Facts {
  return {
    createdAt: acceptedAt,
    // Acceptance and the day it is counted on come from one `now()`.
    usageDay: acceptedAt.toISOString().slice(0, 10),
    connectionId: envelope.connection_id ?? null,
    fromAddress: envelope.from.address,
    fromName: envelope.from.name ?? null,
    subject: envelope.subject,
    tags: envelope.tags,
    metadata: envelope.metadata ?? null,
    attachmentCount: envelope.attachment_count,
    recipients: envelope.recipients.map(({ kind, address, name }, position) => ({
      position,
      kind,
      address,
      name,
      status: 'queued',
    })),
    stream: envelope.stream ?? 'transactional',
    unknownAttempts: [],
    maybeTaken: [],
    tries: [],
  }
}

function fromStored(stored: Stored): Facts {
  return {
    ...stored,
    createdAt: new Date(stored.createdAt),
    unknownAttempts: (stored.unknownAttempts ?? []).map((unknown) => ({
      ...unknown,
      startedAt: new Date(unknown.startedAt),
    })),
    maybeTaken: stored.maybeTaken ?? [],
    tries: stored.tries ?? [],
  }
}
