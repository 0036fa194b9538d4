import { hash } from 'node:crypto'
import type { RouteMatchRow, RouteTargetRow } from './sql/list-sealed-connections.ts'

/** The properties that a route can match, as accepted: every attempt of a message takes the same route. */
export type Routable = {
  stream: 'transactional' | 'bulk'
  tags: readonly string[]
  fromAddress: string
  recipients: readonly { address: string }[]
}

const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** True when everything that the route names fits; a message to several domains fits no `recipient_domain`. */
export function fits(match: RouteMatchRow, message: Routable): boolean {
  const { stream, tag, from_domain: from, recipient_domain: to } = match
  return (
    (stream === undefined || stream === message.stream) &&
    (tag === undefined || message.tags.includes(tag)) &&
    (from === undefined || from === domainOf(message.fromAddress)) &&
    (to === undefined || message.recipients.every(({ address }) => domainOf(address) === to))
  )
}

/** The route that decides for a message: the first that fits. Undefined: none does, and all connections may carry it. */
export function routeOf<R extends { match: RouteMatchRow }>(
  routes: readonly R[],
  message: Routable,
): R | undefined {
  return routes.find(({ match }) => fits(match, message))
}

/** The same number in (0, 1) for the same message and connection, and spread evenly over many. */
function draw(messageId: string, connectionId: string): number {
  const digest = hash('sha256', `${messageId} ${connectionId}`, 'buffer')
  return (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48
}

/**
 * The targets of a route in the order in which this message uses them. Weighted: each draws an exponential time by its weight, and
 * the earliest comes first (Efraimidis and Spirakis, 2006), which gives every place its share. A weight of 0 comes last.
 */
export function orderTargets(
  route: { strategy: 'ordered' | 'weighted'; targets: readonly RouteTargetRow[] },
  messageId: string,
): string[] {
  const ids = route.targets.map(({ connection_id }) => connection_id)
  if (route.strategy === 'ordered') return ids
  const times = new Map(
    route.targets.map(({ connection_id: id, weight }) => [
      id,
      weight === 0 ? Number.POSITIVE_INFINITY : -Math.log(draw(messageId, id)) / weight,
    ]),
  )
  const timeOf = (id: string) => times.get(id) ?? Number.POSITIVE_INFINITY
  // Compared, not subtracted: the difference of two infinities is no number.
  return ids.sort((a, b) => (timeOf(a) === timeOf(b) ? 0 : timeOf(a) < timeOf(b) ? -1 : 1))
}
