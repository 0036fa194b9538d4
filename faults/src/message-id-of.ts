const TAG = '"lg_id"'
const HEADER = /^X-LG-Id:[ \t]*(\S+)/im
const PUBLIC_ID = /msg_[0-9a-z]{26}/
const RAW_DATA = /"Data"\s*:\s*"([A-Za-z0-9+/=]*)"/
/** Tags follow the content in our requests: a search that starts there needs not read the whole of a usual request. */
const TAIL_BYTES = 1_024

/**
 * The gateway's message id in a request of SES v2 or Resend: from its tag, or else from the headers of the MIME.
 * Cheap on purpose: parsing JSON and base64 would cost more than the rest of the fake provider.
 */
export function messageIdOf(body: Buffer): string | undefined {
  const found =
    idInTag(body.toString('latin1', Math.max(0, body.length - TAIL_BYTES))) ??
    idInText(body.toString('latin1'))
  // Copied, since a part of a string keeps the whole of it in memory: 3 kB for each mail in the ledger.
  return found === undefined ? undefined : Buffer.from(found).toString()
}

function idInTag(text: string): string | undefined {
  const tag = text.lastIndexOf(TAG)
  if (tag === -1) return undefined
  // The object around the tag: its name and its value may come in either order.
  const start = text.lastIndexOf('{', tag)
  const end = text.indexOf('}', tag)
  return PUBLIC_ID.exec(text.slice(start, end))?.[0]
}

function idInText(text: string): string | undefined {
  const raw = RAW_DATA.exec(text)?.[1]
  const tagged = idInTag(text)
  if (tagged !== undefined || raw === undefined) return tagged
  const mime = Buffer.from(raw, 'base64').toString('latin1')
  return HEADER.exec(mime.slice(0, mime.indexOf('\r\n\r\n')))?.[1]
}
