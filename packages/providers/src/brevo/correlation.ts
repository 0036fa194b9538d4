import type { OutboundMessage } from '../provider.ts'

// A line of a mail holds 998 characters: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
const lineCharsMax = 900

/**
 * `X-Mailin-custom`, which comes back as it is with every event: our id and the metadata as a URL-encoded text, since
 * Brevo garbles what is not ASCII even in JSON. Metadata that does not fit this line is sent in pieces in `X-LG-Metadata-1`, -2, …
 */
export function correlationHeaders({ id, metadata }: OutboundMessage): Record<string, string> {
  const parts = [encode('lg_id', id)]
  const rest: string[] = []
  let chars = parts.join().length
  for (const [key, value] of Object.entries(metadata)) {
    const part = encode(key, value)
    const fits = chars + 1 + part.length <= lineCharsMax
    if (fits) chars += 1 + part.length
    const list = fits ? parts : rest
    list.push(part)
  }
  const pieces = rest.join('&').match(new RegExp(`.{1,${lineCharsMax}}`, 'g')) ?? []
  return {
    'X-Mailin-custom': parts.join('&'),
    ...Object.fromEntries(pieces.map((piece, at) => [`X-LG-Metadata-${at + 1}`, piece])),
  }
}

function encode(key: string, value: string): string {
  return new URLSearchParams([[key, value]]).toString()
}
