const TAG = '"lg_id"'
const HEADER = /^X-LG-Id:[ \t]*(\S+)/im
const PUBLIC_ID = /msg_[0-9a-z]{26}/
const RAW_DATA = /"Data"\s*:\s*"([A-Za-z0-9+/=]*)"/

/**
 * The gateway's message id in an SES v2 request, given as latin1 text: from its tag, or else from the MIME headers.
 * Cheap on purpose: parsing JSON and base64 would cost more than the rest of the fake provider.
 */
export function messageIdOf(body: string): string | undefined {
  const tag = body.lastIndexOf(TAG)
  if (tag !== -1) {
    // The object around the tag: its name and its value may stand in either order.
    const start = body.lastIndexOf('{', tag)
    const end = body.indexOf('}', tag)
    const found = PUBLIC_ID.exec(body.slice(start, end))?.[0]
    if (found !== undefined) return found
  }
  const raw = RAW_DATA.exec(body)?.[1]
  if (raw === undefined) return undefined
  const mime = Buffer.from(raw, 'base64').toString('latin1')
  return HEADER.exec(mime.slice(0, mime.indexOf('\r\n\r\n')))?.[1]
}
