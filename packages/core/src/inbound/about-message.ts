import { hash } from 'node:crypto'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { inTransaction, type Pool } from '@lettergate/db/pool'
import { cutText } from '@lettergate/providers/lib/answer'
import type { MailReport } from '@lettergate/providers/lib/parse-report'
import type { ProviderEvent } from '@lettergate/providers/lib/provider-event'
import { notify } from '../lib/index.ts'
import {
  applyEvents,
  type EventItem,
  type EventMessage,
  findMessages,
  MAIL,
  toItem,
} from '../provider-events/index.ts'
import type { ReadResult } from './mail-reader.ts'
import type { ClaimedInbound } from './sql/claim-inbound.ts'

/** The events of messages that no connection is known for have this id instead of one. */
const NO_CONNECTION = '00000000-0000-0000-0000-000000000000'
const REASON_CHARS_MAX = 500

/** An attempt is under way: whether it was accepted is about to be recorded. */
export class MessageBusy extends Error {}

const source = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 13), 16)

/** The events of a report that came to the return path of one recipient: they are about that recipient, whatever address they name. */
export function bounceEvents(
  report: MailReport | null,
  { sender, id, receivedAt }: Pick<ClaimedInbound, 'sender' | 'id' | 'receivedAt'>,
  { subject, text }: { subject: string; text: string | null },
): ProviderEvent[] {
  if (report?.kind === 'report' && report.events.length > 0) return report.events
  // A vacation note has an empty sender too.
  if (sender !== '' || (report !== null && report.kind !== 'mail')) return []
  const reason = cutText(`${subject}: ${text ?? ''}`.replace(/\s+/g, ' '), REASON_CHARS_MAX)
  return [{ kind: 'bounced', bounce: 'soft', id, at: receivedAt, reason, code: 'undetermined' }]
}

function replied(claimed: ClaimedInbound, message: EventMessage, position: number): EventItem {
  const inbound = toPublicId('inb', claimed.id)
  return {
    tenantId: message.tenantId,
    messageId: message.messageId,
    position,
    type: 'recipient.replied',
    status: null,
    reason: null,
    at: claimed.receivedAt,
    source: source(`reply ${claimed.rawId} ${position}`),
    data: JSON.stringify({ detail: { inbound } }),
    mode: message.mode,
    isBulk: message.isBulk,
    connectionId: null,
    resolves: false,
    suppress: null,
    address: message.recipients.find(([at]) => at === position)?.[1] ?? null,
  }
}

function bounced(events: readonly ProviderEvent[], message: EventMessage, position: number): EventItem[] {
  const address = message.recipients.find(([at]) => at === position)?.[1]
  return events.map((event) => {
    const about = { ...event, ...(address !== undefined && { recipient: address }) }
    const item = toItem(about, message, { connectionId: NO_CONNECTION, provider: MAIL })
    if (!item) throw new MessageBusy()
    return item
  })
}

/** The recipient that wrote a reply. */
function positionOf({ recipients }: EventMessage, author: string | undefined): number | undefined {
  const wanted = author?.toLowerCase()
  return recipients.find(([, address]) => address.toLowerCase() === wanted)?.[0]
}

/** Our own ids in what a mail says that it answers. */
export function answeredIds({ in_reply_to, references }: ReadResult['mail']): string[] {
  const ids = [in_reply_to ?? '', ...references.toReversed()].flatMap(
    (text) => fromPublicId('msg', /\bmsg_[0-9a-hjkmnp-tv-z]{26}\b/.exec(text)?.[0] ?? '') ?? [],
  )
  return [...new Set(ids)].slice(0, 5)
}

type Applied = { messageId: string | null }

/** Writes the events that a mail is for the message which its address names; a repeat writes none. */
export async function applyAbout(
  pool: Pool,
  claimed: ClaimedInbound,
  events: readonly ProviderEvent[] | { repliedBy: string | undefined },
): Promise<Applied> {
  const { tenantId, aboutId, aboutPosition } = claimed
  if (aboutId === null || aboutPosition === null) return { messageId: null }
  const notifications = await inTransaction(pool, async (db) => {
    const [message] = await findMessages(db, [{ tenantId, messageId: aboutId }])
    if (!message) return []
    const items =
      'repliedBy' in events
        ? [replied(claimed, message, positionOf(message, events.repliedBy) ?? aboutPosition)]
        : bounced(events, message, aboutPosition)
    return (await applyEvents(db, items)).notifications
  })
  // A lost notification is harmless: readers also poll.
  await notify(pool, notifications).catch(() => undefined)
  return { messageId: toPublicId('msg', aboutId) }
}

/** Writes that a recipient replied, if a mail names a message of the tenant and comes from a recipient of it. */
export async function applyAnswered(
  pool: Pool,
  claimed: ClaimedInbound,
  mail: ReadResult['mail'],
): Promise<Applied> {
  const ids = answeredIds(mail)
  if (ids.length === 0) return { messageId: null }
  const author = mail.from[0]?.address
  const found = await inTransaction(pool, async (db) => {
    const messages = await findMessages(
      db,
      ids.map((messageId) => ({ tenantId: claimed.tenantId, messageId })),
    )
    for (const message of messages) {
      const position = positionOf(message, author)
      if (position === undefined || message.mode !== claimed.mode) continue
      const { notifications } = await applyEvents(db, [replied(claimed, message, position)])
      return { messageId: message.messageId, notifications }
    }
    return null
  })
  if (!found) return { messageId: null }
  await notify(pool, found.notifications).catch(() => undefined)
  return { messageId: toPublicId('msg', found.messageId) }
}
