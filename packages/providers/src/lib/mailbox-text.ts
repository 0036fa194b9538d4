import type { Mailbox, OutboundMessage } from '../provider.ts'

/** A name of only these needs no quotes: https://www.rfc-editor.org/rfc/rfc5322#section-3.2.5, letters beyond ASCII added. */
const plainName = /^[\p{L}\p{N}\p{M}]+( [\p{L}\p{N}\p{M}]+)*$/u

/** An address for APIs that encode it themselves: `Name <a@b.example>`, the name quoted where it must be. */
export function mailboxText({ address, name }: Mailbox): string {
  if (!name) return address
  const shown = plainName.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`
  return `${shown} <${address}>`
}

/** Removes recipients that an earlier attempt reached: for APIs that send to every address in the fields. */
export function pendingFields({ to, cc, bcc, envelopeTo }: OutboundMessage) {
  const pending = new Set(envelopeTo)
  const isPending = ({ address }: Mailbox) => pending.has(address)
  return { to: to.filter(isPending), cc: cc.filter(isPending), bcc: bcc.filter(isPending) }
}

/** The same for APIs that require To: a copy that is sent in a single call is in To, visible only to its reader. */
export function pendingFieldsWithTo(message: OutboundMessage): ReturnType<typeof pendingFields> {
  const fields = pendingFields(message)
  const copies = [...fields.cc, ...fields.bcc]
  return fields.to.length === 0 && copies.length === 1 ? { to: copies, cc: [], bcc: [] } : fields
}
