import { createHash } from 'node:crypto'
import type { HookContent, HookUrl } from './hook-content.ts'

/** Stands for a URL of ours in a registration. The migration `hidden_urls` writes the same. */
const HIDDEN = 'token-sha256:'

const hiddenFor = ({ token }: Pick<HookUrl, 'token'>): string =>
  HIDDEN + createHash('sha256').update(token).digest('hex')

function withValues(registration: object, change: (value: string) => string): object {
  return Object.fromEntries(
    Object.entries(registration).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'string' ? change(value) : value,
    ]),
  )
}

/** A registration as it may be stored: it is not sealed, and the log of changes and exports show it, while the URL holds a secret. */
export function hideUrl(registration: object, target: HookUrl): object {
  return withValues(registration, (value) => (value === target.url ? hiddenFor(target) : value))
}

/** A registration with the URL that the provider has. Null: the URL ended more than eight days ago, and is not stored any more. */
export function showUrl(registration: unknown, { current, next, old }: HookContent): unknown {
  if (typeof registration !== 'object' || registration === null) return registration
  const urls = new Map(
    [current, next, ...old].flatMap((one) => (one === null ? [] : [[hiddenFor(one), one.url] as const])),
  )
  const isLost = Object.values(registration).some(
    (value) => typeof value === 'string' && value.startsWith(HIDDEN) && !urls.has(value),
  )
  return isLost ? null : withValues(registration, (value) => urls.get(value) ?? value)
}
