import { domainToASCII } from 'node:url'

/** The ASCII form of something that a header value names, or what is wrong with it. */
export type AsciiForm = { ascii: string } | { issue: string }

const printable = /^[\x20-\x7e]*$/

/** True where nothing needs encoding. */
export function isPrintableAscii(text: string): boolean {
  return printable.test(text)
}

/** A domain in its ASCII form (RFC 5890). */
export function asciiDomain(domain: string): AsciiForm {
  if (isPrintableAscii(domain)) return { ascii: domain }
  const ascii = domainToASCII(domain)
  return ascii === '' || ascii.includes('..') ? { issue: 'has a domain that is not valid' } : { ascii }
}

/** An address in ASCII: its domain has such a form, the part before the @ has none. */
export function asciiAddress(address: string): AsciiForm {
  if (isPrintableAscii(address)) return { ascii: address }
  const at = address.lastIndexOf('@')
  if (at < 0) return { issue: 'has an address without @' }
  if (!isPrintableAscii(address.slice(0, at)))
    return { issue: 'has an address with characters outside ASCII before the @' }
  const domain = asciiDomain(address.slice(at + 1))
  return 'issue' in domain ? domain : { ascii: address.slice(0, at + 1) + domain.ascii }
}

/** RFC 3986 §3.2: the text between the two slashes and the path. */
const authority = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)([^/?#]*)/

/** A URI in ASCII: host by RFC 5890, everything else percent-encoded UTF-8 (RFC 3987 §3.1). */
export function asciiUri(uri: string): AsciiForm {
  if (uri.includes(' ')) return { issue: 'has a URL with a space in it; write %20' }
  if (isPrintableAscii(uri)) return { ascii: uri }
  if (/^mailto:/i.test(uri)) return asciiMailto(uri)
  const [, scheme = '', place = ''] = authority.exec(uri) ?? []
  const host = asciiPlace(place)
  return 'issue' in host
    ? host
    : { ascii: scheme + host.ascii + percentEncoded(uri.slice(scheme.length + place.length)) }
}

/** `user@host:port`, of which the host alone has a form of its own. */
function asciiPlace(place: string): AsciiForm {
  const start = place.lastIndexOf('@') + 1
  const colon = place.indexOf(':', start)
  const end = colon < 0 ? place.length : colon
  const host = asciiDomain(percentDecoded(place.slice(start, end)))
  return 'issue' in host
    ? { issue: 'has a URL whose host name is not valid' }
    : { ascii: percentEncoded(place.slice(0, start)) + host.ascii + percentEncoded(place.slice(end)) }
}

/** RFC 6068 §2: addresses up to the question mark, each percent-encoded before its @. */
function asciiMailto(uri: string): AsciiForm {
  const colon = uri.indexOf(':') + 1
  const question = uri.indexOf('?')
  const end = question < 0 ? uri.length : question
  const addresses: string[] = []
  for (const address of uri.slice(colon, end).split(',')) {
    const at = address.lastIndexOf('@') + 1
    const domain = asciiDomain(address.slice(at))
    if ('issue' in domain) return { issue: 'has a mailto URL whose domain is not valid' }
    addresses.push(percentEncoded(address.slice(0, at)) + domain.ascii)
  }
  return { ascii: uri.slice(0, colon) + addresses.join(',') + percentEncoded(uri.slice(end)) }
}

/** ASCII stays unchanged, including an existing %. */
function percentEncoded(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, (part) => encodeURIComponent(part))
}

/** A host may be percent-encoded in part; one that does not decode is judged as it is. */
function percentDecoded(text: string): string {
  try {
    return isPrintableAscii(text) ? text : decodeURIComponent(text)
  } catch {
    return text
  }
}
