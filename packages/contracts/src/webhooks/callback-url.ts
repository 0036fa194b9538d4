/** What is wrong with a URL that is to get events; null: nothing that can be seen without the network. */
export function callbackUrlIssue(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'is no http or https URL'
  if (url.username !== '' || url.password !== '') return 'has a user name or password, which are not sent'
  return url.hash === '' ? null : 'has a fragment, which is never sent'
}

/** The host and port that a URL leads to. */
export function callbackTarget(text: string): { host: string; port: number; scheme: 'https' | 'http' } {
  const { protocol, hostname, port } = new URL(text)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return { host: hostname, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port), scheme }
}
