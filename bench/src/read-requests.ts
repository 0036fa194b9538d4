const END_OF_HEAD = '\r\n\r\n'
const LENGTH = /\r\ncontent-length:[ \t]*(\d+)/i
const TAG = '"lg_id"'
const ID = /msg_[0-9a-z]{26}/
/** Longer than any object around the tag. */
const TAG_BYTES = 200

/**
 * Splits the bytes of a keep-alive connection into the bodies of its requests, for any split on the way. Only bodies with a
 * Content-Length. A request that comes alone and whole, as nearly all do, is not copied. The head comes along without its last line end.
 */
export function createRequestReader(onBody: (body: Buffer, head: string) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  return (chunk) => {
    const all = rest ? Buffer.concat([rest, chunk]) : chunk
    let start = 0
    for (;;) {
      const headEnd = all.indexOf(END_OF_HEAD, start, 'latin1')
      if (headEnd === -1) break
      const bodyStart = headEnd + END_OF_HEAD.length
      const head = all.toString('latin1', start, headEnd)
      const length = Number(LENGTH.exec(head)?.[1] ?? 0)
      if (all.length < bodyStart + length) break
      onBody(all.subarray(bodyStart, bodyStart + length), head)
      start = bodyStart + length
    }
    rest = start < all.length ? Buffer.from(all.subarray(start)) : undefined
  }
}

/** The gateway's message id in a request of SES: in the tag, which follows the content. */
export function taggedId(body: Buffer): string | undefined {
  const tag = body.lastIndexOf(TAG, body.length, 'latin1')
  if (tag === -1) return undefined
  return ID.exec(body.toString('latin1', Math.max(0, tag - TAG_BYTES), tag + TAG_BYTES))?.[0]
}
