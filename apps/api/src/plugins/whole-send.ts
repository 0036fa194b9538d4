const SEND_LINE = 'POST /v1/send'
const END_OF_HEADERS = '\r\n\r\n'
/** Longer ones go the usual way: Node's limit is judged there. */
const HEADER_BYTES_MAX = 8_192
/**
 * What would make the end of a line or of the body a matter of interpretation, or ask for more than an answer: bare CR or LF, two
 * lengths, chunks, Expect, Upgrade, the end of the connection.
 */
const UNUSUAL =
  /[^\r]\n|\r[^\n]|\0|\n[ \t]|\n(transfer-encoding|expect|upgrade)\b|\ncontent-length\b[\s\S]*\ncontent-length\b|\nconnection:(?! *keep-alive *\r)/i
const LENGTH = /\r\ncontent-length: *(\d{1,9}) *\r\n/i
const REQUEST_ID = /\r\nx-request-id: *([\w.:/+=-]{1,128}) *\r\n/i

export type WholeSend = { path: string; requestId: string | undefined }

/**
 * Whether these bytes are one send from its first to its last byte and nothing else, as plainly as clients write it (RFC 9112 §2).
 * Whatever needs a second look is none: null.
 */
export function readWholeSend(chunk: Buffer): WholeSend | null {
  if (chunk.toString('latin1', 0, SEND_LINE.length) !== SEND_LINE) return null
  const end = chunk.indexOf(END_OF_HEADERS, 0, 'latin1')
  if (end === -1 || end > HEADER_BYTES_MAX) return null
  const head = chunk.toString('latin1', 0, end + END_OF_HEADERS.length)
  const lineEnd = head.indexOf(' HTTP/1.1\r\n')
  if (lineEnd === -1 || lineEnd > head.indexOf('\r\n') || UNUSUAL.test(head)) return null
  const length = LENGTH.exec(head)?.[1]
  if (length === undefined || head.length + Number(length) !== chunk.length) return null
  const target = head.slice('POST '.length, lineEnd)
  if (!/^\/v1\/send(\/batch)?(\?[!-~]*)?$/.test(target)) return null
  const [path = ''] = target.split('?', 1)
  return { path, requestId: REQUEST_ID.exec(head)?.[1] }
}
