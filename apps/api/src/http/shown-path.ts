const PATH_CHARS_MAX = 500
/** The last part of the URL of a provider's events is secret, also where a proxy did not take its prefix off, or as an absolute URL. */
const HOOK = /(\/hooks\/[^/]*\/[^/]*\/).+/

/**
 * The path of a request for answers and logs: without its query, which may hold addresses, without the secret of a provider's URL, and
 * cut, because an error answer need not repeat 8 kB.
 */
export function shownPath(url: string): string {
  const end = url.indexOf('?')
  return (end === -1 ? url : url.slice(0, end)).slice(0, PATH_CHARS_MAX).replace(HOOK, '$1…')
}
