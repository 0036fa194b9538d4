import type { DsnRequest, OutboundMessage } from '../provider.ts'
import type { Parameters } from './extensions.ts'

/** https://www.rfc-editor.org/rfc/rfc3461#section-4 */
function xtext(text: string): string {
  return text.replace(
    /[^!-*,-<>-~]/g,
    (char) => `+${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

type Wishes = DsnRequest['recipients'][string]

/** Where bounces come to the gateway, their events depend on them: it asks for them even if the client wants none. */
function notifyOf({ notify }: Wishes, bouncesToGateway: boolean): readonly string[] {
  if (!notify || !bouncesToGateway) return notify ?? []
  return [...new Set([...notify.filter((condition) => condition !== 'NEVER'), 'FAILURE'])]
}

function recipientParameters(wishes: Wishes, bouncesToGateway: boolean): string[] {
  const notify = notifyOf(wishes, bouncesToGateway)
  const [type, ...address] = wishes.orcpt?.split(';') ?? []
  return [
    ...(notify.length > 0 ? [`NOTIFY=${notify.join(',')}`] : []),
    ...(type !== undefined && address.length > 0 ? [`ORCPT=${type};${xtext(address.join(';'))}`] : []),
  ]
}

/** What a client asked for about reports of delivery, as parameters of a transaction with a server that offers DSN. */
export function dsnParameters(
  { dsn, returnPaths = {} }: Pick<OutboundMessage, 'dsn' | 'returnPaths'>,
  to: readonly string[],
): Parameters {
  if (!dsn) return { mail: [], recipients: [] }
  const bouncesToGateway = to.some((address) => returnPaths[address] !== undefined)
  return {
    mail: [
      ...(dsn.ret ? [`RET=${dsn.ret}`] : []),
      ...(dsn.envid === undefined ? [] : [`ENVID=${xtext(dsn.envid)}`]),
    ],
    recipients: to.map((address) => recipientParameters(dsn.recipients[address] ?? {}, bouncesToGateway)),
  }
}
