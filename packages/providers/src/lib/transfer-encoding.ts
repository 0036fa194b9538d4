const hexDigit = (byte = 0): number => Number.parseInt(String.fromCharCode(byte), 16)

/** The bytes behind a Content-Transfer-Encoding, in linear time; an encoding that is not known leaves them as they are. */
export function decodeTransfer(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case 'base64':
      return Buffer.from(body.toString('latin1'), 'base64')
    case 'quoted-printable':
      return decodeQuoted(body)
    default:
      return body
  }
}

/** https://www.rfc-editor.org/rfc/rfc2045#section-6.7; what is no quoting stays as it stands. */
function decodeQuoted(body: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(body.length)
  let length = 0
  // Where spaces begin that end a line: they are none of the text.
  let blanks = -1
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0
    if (byte === 0x20 || byte === 0x09) {
      if (blanks < 0) blanks = length
    } else if ((byte === 0x0d || byte === 0x0a) && blanks >= 0) {
      length = blanks
      blanks = -1
    } else blanks = -1
    if (byte !== 0x3d) {
      decoded[length++] = byte
      continue
    }
    const breakBytes = body[at + 1] === 0x0a ? 1 : body[at + 1] === 0x0d && body[at + 2] === 0x0a ? 2 : 0
    if (breakBytes > 0) {
      at += breakBytes
      continue
    }
    const value = hexDigit(body[at + 1]) * 16 + hexDigit(body[at + 2])
    if (Number.isNaN(value)) decoded[length++] = byte
    else {
      decoded[length++] = value
      at += 2
    }
  }
  return decoded.subarray(0, length)
}
