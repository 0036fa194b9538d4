const SEND_LINE = 'POST /v1/send'
const LINE_END = ' HTTP/1.1\r\n'
const END_OF_HEADERS = '\r\n\r\n'
/** Longer ones go the usual way: Node's limit is judged there. */
const HEADER_BYTES_MAX = 8_192
/** Of a whole request: what is longer is not collected here. */
const SEND_BYTES_MAX = 65_536
/** Header fields as RFC 9112 §5 writes them, each on a line of its own: what a lenient reader might still read is none. */
const FIELDS = /^(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/
/**
 * What would make the end of the body a matter of interpretation, or ask for more than an answer: two lengths, chunks, Expect,
 * Upgrade, other wishes for the connection than to keep or to end it.
 */
const UNUSUAL =
  /\n(transfer-encoding|expect|upgrade|proxy-connection):|\ncontent-length:[\s\S]*\ncontent-length:|\nconnection:(?! *(keep-alive|close) *\r)/i
const HOST = /\r\nhost:/i
const LENGTH = /\r\ncontent-length: *(\d{1,9}) *\r\n/i
const END = /\r\nconnection: *close *\r\n/i
const REQUEST_ID = /\r\nx-request-id: *([\w.:/+=-]{1,128}) *\r\n/i

export type WholeSend = {
  kind: 'whole'
  path: string
  requestId: string | undefined
  /** Its connection is to end with the answer. */
  isLast: boolean
}

const OTHER = { kind: 'other' } as const
const PART = { kind: 'part' } as const

/**
 * Whether these bytes are one send from its first to its last byte and nothing else, or the first part of one, as plainly as clients
 * write it (RFC 9112 §2). Whatever needs a second look is something other.
 */
export function readSend(bytes: Buffer): WholeSend | typeof PART | typeof OTHER {
  const begin = bytes.toString('latin1', 0, SEND_LINE.length)
  if (begin !== SEND_LINE) return SEND_LINE.startsWith(begin) ? PART : OTHER
  const end = bytes.indexOf(END_OF_HEADERS, 0, 'latin1')
  if (end === -1) return bytes.length <= HEADER_BYTES_MAX ? PART : OTHER
  if (end > HEADER_BYTES_MAX) return OTHER
  const head = bytes.toString('latin1', 0, end + END_OF_HEADERS.length)
  const lineEnd = head.indexOf(LINE_END)
  const fieldsAt = lineEnd + LINE_END.length
  if (lineEnd === -1 || fieldsAt !== head.indexOf('\r\n') + 2) return OTHER
  if (!FIELDS.test(head.slice(fieldsAt)) || !HOST.test(head) || UNUSUAL.test(head)) return OTHER
  const target = head.slice('POST '.length, lineEnd)
  if (!/^\/v1\/send(\/batch)?(\?[!-~]*)?$/.test(target)) return OTHER
  const length = LENGTH.exec(head)?.[1]
  const missing = length === undefined ? -1 : head.length + Number(length) - bytes.length
  if (missing > 0) return bytes.length + missing <= SEND_BYTES_MAX ? PART : OTHER
  if (missing < 0) return OTHER
  const [path = ''] = target.split('?', 1)
  return { kind: 'whole', path, requestId: REQUEST_ID.exec(head)?.[1], isLast: END.test(head) }
}
