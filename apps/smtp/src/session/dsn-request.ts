import type { DsnRequest } from '@lettergate/contracts/messages/send-request'
import type { SMTPServerEnvelope } from 'smtp-server'

type Notify = NonNullable<DsnRequest['recipients'][string]['notify']>

const rets = new Map<string | null, DsnRequest['ret']>([
  ['FULL', 'FULL'],
  ['HDRS', 'HDRS'],
])
const conditions = new Map<string, Notify[number]>(
  (['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'] as const).map((one) => [one, one]),
)

/** What the client asked for about reports of delivery; undefined: nothing. */
export function dsnRequest({
  dsn,
  rcptTo,
}: Pick<SMTPServerEnvelope, 'dsn' | 'rcptTo'>): DsnRequest | undefined {
  const recipients = rcptTo.flatMap(({ address, dsn: own }) => {
    if (!own) return []
    const notify = own.notify?.flatMap((name) => conditions.get(name) ?? [])
    return [[address, { ...(notify && { notify }), ...(own.orcpt && { orcpt: own.orcpt }) }] as const]
  })
  const ret = rets.get(dsn?.ret ?? null)
  const envid = dsn?.envid ?? undefined
  if (recipients.length === 0 && ret === undefined && envid === undefined) return undefined
  return {
    ...(ret && { ret }),
    ...(envid !== undefined && { envid }),
    recipients: Object.fromEntries(recipients),
  }
}
