import type { Head, HeadField } from '@lettergate/providers/raw-mime/head'

/** Results that somebody else wrote in our name (RFC 8601 section 5). */
export function forgedResults({ fields }: Head, mta: string): HeadField[] {
  return fields.filter(
    ({ name, value }) =>
      name === 'authentication-results' &&
      value.split(/[;\s]/, 1)[0]?.replaceAll('"', '').toLowerCase() === mta,
  )
}
