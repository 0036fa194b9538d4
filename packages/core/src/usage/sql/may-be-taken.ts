import { joinId } from '../../lib/index.ts'

/**
 * Builds the SQL condition that any attempt of this message may have reached the recipient, so that it stays counted. True for an attempt
 * with unknown outcome that carried the recipient, and for an unknown event of this recipient (a call to several whose answer was lost for
 * some). Each argument is an expression of the surrounding statement.
 */
export function mayBeTaken(of: {
  tenantId: string
  messageId: string
  position: string
  /** Bounds of the message's id, so that the other days' partitions are left out. */
  range?: { from: string; to: string }
}): string {
  const { tenantId, messageId, position, range } = of
  const within = (alias: string) =>
    range ? `and ${alias}.message_id between ${range.from} and ${range.to}` : ''
  const isId = (alias: string) =>
    range ? joinId(`${alias}.message_id`, messageId) : `${alias}.message_id = ${messageId}`
  return `(exists (
      select from attempt ta
      where ta.tenant_id = ${tenantId} and ${isId('ta')} ${within('ta')}
        and ta.outcome = 'unknown' and ${position} = any (ta.recipients))
    or exists (
      select from event te
      where te.tenant_id = ${tenantId} and ${isId('te')} ${within('te')}
        and te.type = 'recipient.unknown' and te.position = ${position}))`
}
