import { z } from 'zod'

const Schemas = z.record(z.string(), z.unknown())
const PREFIX = '#/components/schemas/'

/** Names of the schemas that a part of the document refers to. */
function referredBy(part: unknown): Set<string> {
  const names = JSON.stringify(part ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)
  return new Set([...names].map((match) => match[1] ?? ''))
}

function reachable(paths: unknown, schemas: Record<string, unknown>): Set<string> {
  const found = new Set<string>()
  const open = [...referredBy(paths)]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    open.push(...referredBy(schemas[name]))
  }
  return found
}

/**
 * Every schema with a name is generated twice: for reading and, with "Input" after the name, for writing. Unused schemas
 * are dropped; if only the second is left, it gets the plain name.
 */
export function tidyDocument<D extends { paths?: unknown; components?: { schemas?: unknown } | undefined }>(
  document: D,
): D {
  const schemas = Schemas.parse(document.components?.schemas ?? {})
  const used = reachable(document.paths, schemas)
  const plainName = (name: string): string => {
    const plain = name.replace(/Input$/, '')
    return name !== plain && !used.has(plain) && plain in schemas ? plain : name
  }
  const renamed = <T>(part: T): T =>
    JSON.parse(JSON.stringify(part), (key: string, value: unknown) =>
      key === '$ref' && typeof value === 'string' && value.startsWith(PREFIX)
        ? `${PREFIX}${plainName(value.slice(PREFIX.length))}`
        : value,
    )
  const kept = Object.entries(schemas).filter(([name]) => used.has(name))
  return {
    ...document,
    paths: renamed(document.paths),
    components: {
      ...document.components,
      schemas: Object.fromEntries(kept.map(([name, schema]) => [plainName(name), renamed(schema)])),
    },
  }
}
