/**
 * Domains that people write when they need any address, and that belong to others: mail to them reaches strangers. The names that
 * RFC 2606 reserves are not among them, since nobody has those.
 */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'domain.com',
  'domain.net',
  'domain.org',
  'yourdomain.com',
  'your-domain.com',
  'mydomain.com',
  'somedomain.com',
  'anydomain.com',
  'email.com',
  'youremail.com',
  'myemail.com',
  'test.com',
  'test.net',
  'test.org',
  'testing.com',
  'sample.com',
  'company.com',
  'yourcompany.com',
  'mycompany.com',
  'website.com',
  'yourwebsite.com',
  'foo.com',
  'bar.com',
  'asdf.com',
  'abc.xyz',
])

export const PLACEHOLDER_ADVICE =
  'belongs to strangers and is often written as a placeholder. For tests, use a test key, or an address at sandbox.lettergate.dev; for a real recipient, use the real address.'

export function isPlaceholder(domain: string): boolean {
  return PLACEHOLDERS.has(domain)
}

/** Names under which nothing can have a mail server: https://www.rfc-editor.org/rfc/rfc6761 */
const RESERVED = /(^|\.)(test|example|invalid|localhost|local)$/
const RESERVED_NAMES = /(^|\.)example\.(com|net|org)$/

export function isReserved(domain: string): boolean {
  return RESERVED.test(domain) || RESERVED_NAMES.test(domain)
}
