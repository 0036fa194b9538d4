import type { Provider } from '@lettergate/providers/provider'

/** Settings by which a way may be left open to others, and the values that do so. */
const WEAK: Readonly<Record<string, readonly unknown[]>> = {
  tls: ['opportunistic', 'none'],
  allow_insecure: [true],
}

const isUrl = (value: unknown) => typeof value === 'string' && /^https?:/i.test(value)

function fieldsOf(settings: unknown): [name: string, value: unknown][] {
  return typeof settings === 'object' && settings !== null ? Object.entries(settings) : []
}

/**
 * True if credentials that were given for `before` might be shown by `after` to somebody else: at another host or port, at another
 * address of the same host, which may be another's, or on a way that is protected less. Whoever may change a connection is not
 * thereby somebody who may know its secrets. What is stored and no longer fits the provider's schema says nothing of where it led.
 */
export function leadsElsewhere(provider: Provider, before: unknown, after: unknown): boolean {
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
