import { fromPublicId, ID_PREFIXES, type IdPrefix, newId, toPublicId } from '@lettergate/contracts/lib/ids'

export type IdRoute = { method: string; path: string; prefix: IdPrefix; body?: unknown }

/** Named by an address, which anybody may know. */
const NAMED_BY_ADDRESS = new Set(['/v1/suppressions/{address}'])

type Operation = { requestBody?: unknown; parameters?: { in: string; name: string; example?: string }[] }

/** What the id in a path is of: the reference has an example of it. */
function prefixOf(path: string, { parameters = [] }: Operation): IdPrefix {
  const example = parameters.find((part) => part.in === 'path' && part.name === 'id')?.example ?? ''
  const prefix = ID_PREFIXES.find((known) => fromPublicId(known, example) !== null)
  if (!prefix) throw new Error(`the reference has no example of the id in ${path}`)
  return prefix
}

/**
 * Every route of a running api that takes an id in its path, as its own reference lists them. `bodies` has one that each would take for
 * an id of one's own: without it, a request would be refused before the id is looked at.
 */
export async function readIdRoutes(apiUrl: string, bodies: Record<string, unknown>): Promise<IdRoute[]> {
  const text = await (await fetch(`${apiUrl}/openapi.json`)).text()
  const reference: { paths: Record<string, Record<string, Operation>> } = JSON.parse(text)
  return Object.entries(reference.paths).flatMap(([path, operations]) => {
    // The URLs of providers take no key, and those of the operator no key of a tenant.
    const isOfOthers = path.startsWith('/v1/hooks/') || path.startsWith('/v1/admin/')
    if (!path.includes('{') || isOfOthers || NAMED_BY_ADDRESS.has(path)) return []
    return Object.entries(operations).map(([verb, operation]) => {
      const method = verb.toUpperCase()
      const body = bodies[`${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`]
      if (operation.requestBody !== undefined && body === undefined)
        throw new Error(`packages/contracts/test/example-bodies.ts has no body for ${method} ${path}`)
      return { method, path, prefix: prefixOf(path, operation), ...(body !== undefined && { body }) }
    })
  })
}

export type WholeAnswer = { status: number; text: string; fields: string[] }

const ANY_ID = new RegExp(`\\b(${ID_PREFIXES.join('|')})_[0-9a-z]+`, 'g')

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
  const text = (await response.text()).replaceAll(ANY_ID, '$1')
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
