import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { numberOfType } from '@lettergate/contracts/messages/event-types'
import type { Pool } from '@lettergate/db/pool'
import { recordReport } from '../provider-events/index.ts'
import { targetOfUrl } from '../webhooks/index.ts'
import { applyAbout, applyAnswered, bounceEvents } from './about-message.ts'
import type { StoredContent } from './content.ts'
import { forwardMail } from './forward.ts'
import type { ReadResult } from './mail-reader.ts'
import type { ClaimedInbound } from './sql/claim-inbound.ts'
import type { InboundPost, InboundResult } from './sql/finish-inbound.ts'
import { type DoneAction, doneAction, type StoredAction, StoredActions } from './stored-action.ts'

export type ActDeps = { pool: Pool } & Parameters<typeof forwardMail>[0]
export type Acted = { result: InboundResult; posts: InboundPost[] }

const NO_CONNECTION = '00000000-0000-0000-0000-000000000000'
/** A report has its facts in front; the rest is the mail that came back. */
const REPORT_BYTES_MAX = 256 * 1024

/** A report that came to an address of the tenant's own is applied like one of a provider. */
async function reportToTenant(
  { pool }: ActDeps,
  { tenantId }: ClaimedInbound,
  raw: Buffer,
  read: ReadResult,
) {
  if (read.report?.kind !== 'report' || read.report.events.length === 0) return
  await recordReport(pool, { tenantId, connectionId: NO_CONNECTION, raw: raw.subarray(0, REPORT_BYTES_MAX) })
}

async function actOnAbout(
  deps: ActDeps,
  claimed: ClaimedInbound,
  read: ReadResult | null,
): Promise<DoneAction[]> {
  if (claimed.kind === 'bounce') {
    const events = read ? bounceEvents(read.report, claimed, read.mail) : []
    const { messageId: message_id } = await applyAbout(deps.pool, claimed, events)
    const kinds = [...new Set(events.map(({ kind }) => kind))].join(', ')
    return [
      doneAction('bounce', { message_id, detail: kinds === '' ? 'no report: nothing was changed' : kinds }),
    ]
  }
  if (claimed.kind === 'reply') {
    if (read?.auto) {
      const message_id = claimed.aboutId && toPublicId('msg', claimed.aboutId)
      return [doneAction('reply', { message_id, detail: `sent by a machine (${read.auto}): no event` })]
    }
    const { messageId: message_id } = await applyAbout(deps.pool, claimed, {
      repliedBy: read?.mail.from[0]?.address,
    })
    return [doneAction('reply', { message_id })]
  }
  if (!read || read.auto) return []
  const { messageId: message_id } = await applyAnswered(deps.pool, claimed, read.mail)
  return message_id === null ? [] : [doneAction('reply', { message_id })]
}

async function actOnRoute(
  deps: ActDeps,
  claimed: ClaimedInbound,
  read: ReadResult | null,
  action: StoredAction,
  index: number,
): Promise<DoneAction> {
  switch (action.type) {
    case 'store':
      return doneAction('store', { detail: toPublicId('mbx', action.mailbox_id) })
    case 'post':
      return doneAction('post', {
        state: 'called',
        detail: action.url,
        seq: claimed.seqs[index] ?? null,
        format: action.format,
      })
    case 'drop':
      return doneAction('drop')
    case 'forward': {
      if (!read || !claimed.raw)
        return doneAction('forward', { state: 'failed', detail: 'The mail could not be read.' })
      return await forwardMail(deps, claimed, claimed.raw, read.authentication, action.to)
    }
  }
}

function postsOf({ id, tenantId, mode }: ClaimedInbound, actions: readonly DoneAction[]): InboundPost[] {
  return actions.flatMap(({ type, seq, detail: url }) =>
    type !== 'post' || seq === null || url === null
      ? []
      : [
          {
            inboundId: id,
            tenantId,
            mode,
            id: newId(),
            url,
            target: targetOfUrl(tenantId, url),
            seq,
            type: numberOfType('inbound.received'),
          },
        ],
  )
}

function eventOf({ id, mode, kind }: ClaimedInbound, actions: readonly DoneAction[], problem: string | null) {
  if (mode === 'test' || kind === 'bounce') return null
  const detail = { inbound: toPublicId('inb', id) }
  const failed = actions.find(({ state }) => state === 'failed')
  return failed
    ? { type: 'inbound.failed', data: JSON.stringify({ reason: failed.detail ?? '', detail }) }
    : {
        type: 'inbound.received',
        data: JSON.stringify({ ...(problem !== null && { reason: problem }), detail }),
      }
}

function toStored({ mail, authentication, auto }: ReadResult): StoredContent {
  const { header: _field, ...results } = authentication
  return { ...mail, authentication: results, auto }
}

/**
 * Does what a mail is for. Whatever is done here before the record is recognised as a repeat: events by their source, forwards by their
 * idempotency key. `read` null: it could not be read, and is kept as it came.
 */
export async function act(
  deps: ActDeps,
  claimed: ClaimedInbound,
  read: ReadResult | null,
  problem: string | null,
): Promise<Acted> {
  const { tenantId, id, epoch, raw } = claimed
  const done = await actOnAbout(deps, claimed, read)
  if (claimed.kind === 'route' && raw && read) await reportToTenant(deps, claimed, raw, read)
  const wanted = claimed.actions === null ? [] : StoredActions.parse(claimed.actions)
  let mailboxId: string | null = null
  for (const [index, action] of wanted.entries()) {
    if (action.type === 'store') mailboxId = action.mailbox_id
    done.push(await actOnRoute(deps, claimed, read, action, index))
  }
  const result: InboundResult = {
    tenantId,
    id,
    epoch,
    state: read ? 'done' : 'failed',
    parseError: problem,
    content: read && JSON.stringify(toStored(read)),
    actions: JSON.stringify(done),
    mailboxId,
    event: eventOf(claimed, done, problem),
  }
  return { result, posts: postsOf(claimed, done) }
}
