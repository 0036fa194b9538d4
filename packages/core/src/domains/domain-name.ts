import { isIP } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { parse } from 'tldts'

/** With the longest name of a record before it, it is still a name. */
const CHARS_MAX = 200
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

export type ParsedName = { name: string } | { detail: string }

const refuse = (detail: string): ParsedName => ({ detail })

/** A domain that one tenant can prove to be its own, in ASCII and lower case; or why it is none. */
export function parseDomainName(text: string): ParsedName {
  const given = text.trim()
  if (given.includes('@')) {
    const behind = given.slice(given.lastIndexOf('@') + 1)
    return refuse(`is an address; enter only the domain${behind === '' ? '' : `: ${behind}`}`)
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given) || given.includes('/')) {
    const host = URL.parse(given.includes('://') ? given : `https://${given}`)?.hostname
    return refuse(`is a URL; enter only the domain${host ? `: ${host.replace(/^www\./, '')}` : ''}`)
  }
  if (/[\s:*?#%\\]/.test(given)) return refuse('has characters that a domain cannot have')
  const name = domainToASCII(given.replace(/\.$/, '')).toLowerCase()
  if (isIP(name) !== 0) return refuse('is an IP address; enter a domain')
  if (name === '' || name.length > CHARS_MAX || !name.split('.').every((label) => LABEL.test(label)))
    return refuse(`is not a domain of at most ${CHARS_MAX} characters, such as mail.acme.example`)
  if (!name.includes('.')) return refuse('is a single word; enter the whole domain, such as acme.example')
  if (name.startsWith('www.') && name.split('.').length > 2)
    return refuse(`is the name of a web site; enter the domain that stands behind the @: ${name.slice(4)}`)
  // Of a private suffix, everybody may have a name below it.
  const { domain, isPrivate } = parse(name, { allowPrivateDomains: true })
  if (domain !== null) return { name }
  return refuse(
    isPrivate
      ? 'is shared by many: anybody can have a name below it; enter a name of your own'
      : 'is a public suffix, which nobody can own; enter a domain below it',
  )
}

/** As people write it. */
export function unicodeName(name: string): string {
  return domainToUnicode(name)
}

/** The name, and every name above it. */
export function namesAbove(name: string): string[] {
  const labels = name.split('.')
  return labels.map((_, from) => labels.slice(from).join('.'))
}

/** The proved domain that covers a host; null: none does. `nearer`: names below them that others hold. */
export function coveringDomain(
  host: string,
  { proved, nearer }: { proved: readonly string[]; nearer: readonly string[] },
): string | null {
  for (const name of namesAbove(host.toLowerCase())) {
    if (proved.includes(name)) return name
    if (nearer.includes(name)) return null
  }
  return null
}
