import { domainToASCII } from 'node:url'

/** A domain as it is stored: ASCII, in lower case; `*.` before it means every name below it. Null: it is no domain. */
export function toFromDomain(text: string): string | null {
  const isBelow = text.startsWith('*.')
  const ascii = domainToASCII(isBelow ? text.slice(2) : text)
  if (ascii.length > 253 || !/^([a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}$/.test(ascii)) return null
  return isBelow ? `*.${ascii}` : ascii
}

function fits(domain: string, permitted: string): boolean {
  if (permitted === domain) return true
  return permitted.startsWith('*.') && domain.endsWith(permitted.slice(1))
}

/** Whether mail may be from this domain. */
export function permitsFrom(permitted: readonly string[], domain: string): boolean {
  const ascii = domainToASCII(domain)
  return ascii !== '' && permitted.some((one) => fits(ascii, one))
}

/** Whether everything that a domain or a pattern permits is permitted by these too. */
export function coversFrom(permitted: readonly string[], wanted: string): boolean {
  const inner = wanted.startsWith('*.') ? wanted.slice(1) : wanted
  return permitted.some(
    (one) =>
      one === wanted || (one.startsWith('*.') && inner.endsWith(one.slice(1)) && wanted !== one.slice(2)),
  )
}
