import type { Mailbox } from '@lettergate/contracts/inbound/messages'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { MailboxRow } from '@lettergate/core/inbound'

/** Presents a mailbox. */
export function presentMailbox({ id, name, created_at }: MailboxRow): Mailbox {
  return { id: toPublicId('mbx', id), name, created_at: created_at.toISOString() }
}
