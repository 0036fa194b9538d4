import type { Provider } from '@lettergate/providers/provider'

/** Settings that weaken the protection of a connection, and the values that do so. */
const WEAK: Readonly<Record<string, readonly unknown[]>> = {
  tls: ['opportunistic', 'none'],
  allow_insecure: [true],
}

const isUrl = (value: unknown) => typeof value === 'string' && /^https?:/i.test(value)

function fieldsOf(settings: unknown): [name: string, value: unknown][] {
  return typeof settings === 'object' && settings !== null ? Object.entries(settings) : []
}

/**
 * True if new settings would send the stored credentials to another host, port or address, or over weaker protection. Permission to edit
 * a connection must not reveal its credentials. Stored settings that no longer fit the provider's schema count as another target.
 */
export function targetChanged(provider: Provider, before: unknown, after: unknown): boolean {
  if (provider.keysOnlySign) return false
  const was = provider.settings.safeParse(before)
  const is = provider.settings.safeParse(after)
  if (!was.success || !is.success) return true
  const old = provider.targets(was.data)
  const targets = provider.targets(is.data)
  const isNewTarget = targets.some(
    ({ host, port, scheme }) =>
      !old.some((one) => one.host === host && one.port === port && one.scheme === scheme),
  )
  const oldFields = new Map(fieldsOf(was.data))
  return (
    isNewTarget ||
    fieldsOf(is.data).some(
      ([name, value]) =>
        (isUrl(value) || WEAK[name]?.includes(value) === true) && oldFields.get(name) !== value,
    )
  )
}
