/** The parts of an address under the operator's domain: the token names a tenant and mode. */
export type OwnDomainAddress = { token: string; local: string }

export const TOKEN = /^[0-9a-hjkmnp-tv-z]{12}$/

/** Reads `anything+token@domain` and `anything@token.domain`; null: the address is under another domain, or names no token. */
export function readOwnDomain(address: string, inboundDomain: string): OwnDomainAddress | null {
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at)
  const domain = address.slice(at + 1).toLowerCase()
  if (domain === inboundDomain) {
    const plus = local.lastIndexOf('+')
    const token = local.slice(plus + 1).toLowerCase()
    return plus > 0 && TOKEN.test(token) ? { token, local: local.slice(0, plus) } : null
  }
  if (!domain.endsWith(`.${inboundDomain}`)) return null
  const token = domain.slice(0, -inboundDomain.length - 1)
  return TOKEN.test(token) ? { token, local } : null
}

/** Whether a domain is the operator's, or below it. */
export const isUnder = (domain: string, inboundDomain: string): boolean =>
  domain === inboundDomain || domain.endsWith(`.${inboundDomain}`)
