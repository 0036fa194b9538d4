import type { Target } from '../provider.ts'
import { urlTarget } from './http.ts'

/** Each host and port once. */
export function distinctTargets(targets: Target[]): Target[] {
  const seen = new Map(targets.map((target) => [`${target.scheme} ${target.host} ${target.port}`, target]))
  return [...seen.values()]
}

/** Paths in the settings to what names the host, and to what names the port: the same for a URL. */
export type NamedBy = { host: readonly string[]; port: readonly string[] }

/**
 * The setting that names a target: a URL, or `host` beside `port`, as all providers call them. Null: no setting names its host, which
 * is known by the provider itself.
 */
export function namedBy(settings: unknown, target: Target): NamedBy | null {
  if (typeof settings !== 'object' || settings === null) return null
  const fields = Object.entries(settings)
  if (fields.some(([name, value]) => name === 'host' && value === target.host))
    return { host: ['host'], port: ['port'] }
  for (const [name, value] of fields) {
    if (leadsTo(value, target)) return { host: [name], port: [name] }
    const inner = namedBy(value, target)
    if (inner) return { host: [name, ...inner.host], port: [name, ...inner.port] }
  }
  return null
}

function leadsTo(value: unknown, { host, port, scheme }: Target): boolean {
  if (typeof value !== 'string' || !/^https?:/i.test(value) || !URL.canParse(value)) return false
  const named = urlTarget(value)
  return named.host === host && named.port === port && named.scheme === scheme
}
