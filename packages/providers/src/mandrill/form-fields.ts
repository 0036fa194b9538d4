/** Mandrill posts one field. */
const fieldsMax = 20

const ampersand = 0x26
const equals = 0x3d
const percent = 0x25
const plus = 0x2b
const space = 0x20

/** Names and values of a form (application/x-www-form-urlencoded), as bytes; none where there are more than it ever posts. */
export function formFields(body: Buffer): [name: Buffer, value: Buffer][] {
  const fields: [Buffer, Buffer][] = []
  for (let from = 0; from < body.length; ) {
    if (fields.length === fieldsMax) return []
    const found = body.indexOf(ampersand, from)
    const field = body.subarray(from, found < 0 ? body.length : found)
    const middle = field.indexOf(equals)
    const end = middle < 0 ? field.length : middle
    fields.push([decode(field.subarray(0, end)), decode(field.subarray(end + 1))])
    from += field.length + 1
  }
  return fields
}

function decode(bytes: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    const high = byte === percent ? hexDigit(bytes[at + 1]) : -1
    const low = high < 0 ? -1 : hexDigit(bytes[at + 2])
    if (low >= 0) at += 2
    decoded[length++] = low >= 0 ? high * 16 + low : byte === plus ? space : byte
  }
  return decoded.subarray(0, length)
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
