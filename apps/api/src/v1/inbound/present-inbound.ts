import type {
  InboundActionState,
  InboundMessage,
  InboundSummary,
} from '@lettergate/contracts/inbound/messages'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import {
  type ActionInfo,
  type InboundInfo,
  type InboundListed,
  presentContent,
} from '@lettergate/core/inbound'

/** Presents a received mail of a list. */
export function presentListed(row: InboundListed): InboundSummary {
  return {
    id: toPublicId('inb', row.id),
    received_at: row.receivedAt.toISOString(),
    sender: row.sender,
    recipient: row.recipient,
    subject: row.subject,
    bytes: row.bytes,
    state: row.state,
    parse_error: row.parseError,
    mailbox: row.mailboxId && toPublicId('mbx', row.mailboxId),
    read_at: row.readAt?.toISOString() ?? null,
  }
}

function presentAction({
  type,
  state,
  detail,
  message_id,
  nextAt,
  attempts,
}: ActionInfo): InboundActionState {
  return {
    type,
    state,
    detail,
    message_id,
    next_at: nextAt?.toISOString() ?? null,
    attempts: attempts.map(({ at, number, status, ms, error, answer }) => ({
      at: at.toISOString(),
      number,
      status,
      ms,
      error,
      answer,
    })),
  }
}

/** Presents a received mail with all that it says. */
export function presentInbound({ content, actions, ...row }: InboundInfo): InboundMessage {
  return {
    ...presentListed({ ...row, subject: content?.subject ?? null }),
    route: row.routeId && toPublicId('inr', row.routeId),
    message_id: row.aboutId && toPublicId('msg', row.aboutId),
    content: content && presentContent(row.id, content),
    actions: actions.map(presentAction),
  }
}
