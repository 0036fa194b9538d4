/**
 * Says in SQL whether a try of this message, whenever it was, may have reached the recipient: nobody can call such mail back, so it stays
 * counted. Two signs: an attempt without a known outcome that carried the recipient, and an event that said so of this recipient alone
 * (a call to several whose answer was lost for some). Each argument is an expression of the statement that it stands in.
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
  return `(exists (
      select from attempt ta
      where ta.tenant_id = ${tenantId} and ta.message_id = ${messageId} ${within('ta')}
        and ta.outcome = 'unknown' and ${position} = any (ta.recipients))
    or exists (
      select from event te
      where te.tenant_id = ${tenantId} and te.message_id = ${messageId} ${within('te')}
        and te.type = 'recipient.unknown' and te.position = ${position}))`
}
