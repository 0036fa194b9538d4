import { fromPublicId, type IdPrefix, newId, toPublicId } from '@lettergate/contracts/lib/ids'

export type IdRoute = { method: string; path: string; prefix: IdPrefix; body?: unknown }

/** What the ids under a path are of. A resource that is missing here fails the test that asks for its routes. */
const PREFIX_BY_RESOURCE: Record<string, IdPrefix> = {
  messages: 'msg',
  connections: 'con',
  routes: 'rte',
  suppressions: 'job',
  endpoints: 'end',
  'inbound/routes': 'inr',
  'inbound/mailboxes': 'mbx',
  'inbound/messages': 'inb',
  'smtp-credentials': 'smc',
}

/** Named by an address, which anybody may know. */
const NAMED_BY_ADDRESS = new Set(['/v1/suppressions/{address}'])

/** A body that each route would take for an id of one's own: without one, it would be refused before the id is looked at. */
const BODY_BY_ROUTE: Record<string, unknown> = {
  'PATCH /v1/connections/{id}': { name: 'Other' },
  'POST /v1/connections/{id}/test': {},
  'POST /v1/connections/{id}/register-events': {},
  'POST /v1/connections/{id}/register-events/rotate': {},
  'PATCH /v1/routes/{id}': { name: 'Other' },
  'POST /v1/messages/{id}/resolve': { recipient: 'user@example.net', outcome: 'sent' },
  'PATCH /v1/endpoints/{id}': { description: 'Other' },
  'PATCH /v1/inbound/routes/{id}': { name: 'Other' },
  'PATCH /v1/inbound/messages/{id}': { read: true },
  'PATCH /v1/smtp-credentials/{id}': { name: 'Other' },
  'POST /v1/endpoints/{id}/replay': { seq: 1, dry_run: true },
}

/** Every route of a running api that takes an id in its path, as its own reference lists them. */
export async function readIdRoutes(apiUrl: string): Promise<IdRoute[]> {
  const text = await (await fetch(`${apiUrl}/openapi.json`)).text()
  const reference: { paths: Record<string, Record<string, { requestBody?: unknown }>> } = JSON.parse(text)
  return Object.entries(reference.paths).flatMap(([path, operations]) => {
    // The URLs of providers take no key.
    if (!path.includes('{') || path.startsWith('/v1/hooks/') || NAMED_BY_ADDRESS.has(path)) return []
    const [, , resource = '', below = ''] = path.split('/')
    const prefix = PREFIX_BY_RESOURCE[`${resource}/${below}`] ?? PREFIX_BY_RESOURCE[resource]
    if (!prefix) throw new Error(`what the ids of ${path} are of is not known here`)
    return Object.entries(operations).map(([verb, { requestBody }]) => {
      const method = verb.toUpperCase()
      const body = BODY_BY_ROUTE[`${method} ${path}`]
      if (requestBody !== undefined && body === undefined)
        throw new Error(`what ${method} ${path} takes is not known here`)
      return { method, path, prefix, ...(body !== undefined && { body }) }
    })
  })
}

export type WholeAnswer = { status: number; text: string; fields: string[] }

/** One request, and every part of its answer that may differ from another: the id of the request itself is blanked. */
export async function askWhole(
  url: string,
  apiKey: string,
  request: { method: string; path: string; body?: unknown },
): Promise<WholeAnswer> {
  const { method, path, body } = request
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = (await response.text()).replaceAll(/\b(req|msg|con|rte|job|inr|inb|mbx)_[0-9a-z]+/g, '$1')
  return { status: response.status, text, fields: [...response.headers.keys()].sort() }
}

/** An id of the same kind that never existed. */
export function neverAnId(prefix: IdPrefix): string {
  return toPublicId(prefix, newId())
}

/** The UUID behind a public id. */
export function uuidOf(prefix: IdPrefix, id: string): string {
  const uuid = fromPublicId(prefix, id)
  if (uuid === null) throw new Error(`${id} is no id`)
  return uuid
}
