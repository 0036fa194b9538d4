import { toAsciiJson } from '../lib/ascii-json.ts'
import type { OutboundMessage } from '../provider.ts'

/** A header field for the provider itself; where it gets long it is folded between its pieces, which a space parts. */
export type Field = readonly [name: string, first: string, ...more: string[]]

/** SendGrid wants less than 72: https://www.twilio.com/docs/sendgrid/for-developers/sending-email/building-an-x-smtpapi-header */
const lineCharsUsual = 71

/** The message with these fields in front of it. */
export function withFields(mime: Buffer, fields: readonly Field[]): Buffer {
  return fields.length === 0
    ? mime
    : Buffer.concat([Buffer.from(fields.map(toLines).join(''), 'latin1'), mime])
}

/** The message with Feedback-ID in front of it, unless its client wrote one. */
export function withFeedbackId(mime: Buffer, { feedbackId }: Pick<OutboundMessage, 'feedbackId'>): Buffer {
  if (feedbackId === undefined) return mime
  const head = mime.toString('latin1', 0, Math.max(0, mime.indexOf('\r\n\r\n')))
  return /^feedback-id[ \t]*:/im.test(head) ? mime : withFields(mime, [['Feedback-ID', feedbackId]])
}

/** Replaces characters beyond printable ASCII, which could start a field of their own; the caller has encoded the rest. */
function toLines([name, ...pieces]: Field): string {
  const [first = '', ...more] = pieces.map((piece) => piece.replace(/[^\x20-\x7e]/g, '_'))
  let text = `${name}: ${first}`
  let chars = text.length
  for (const piece of more) {
    const folds = chars + 1 + piece.length > lineCharsUsual
    text += `${folds ? '\r\n' : ''} ${piece}`
    chars = (folds ? 0 : chars) + 1 + piece.length
  }
  return `${text}\r\n`
}

/** A field that holds JSON in ASCII; it can be folded between its tokens, never within a text. */
export function jsonField(name: string, value: object): Field {
  const [first = '', ...more] = toAsciiJson(value, 1)
    .split('\n')
    .map((line) => line.trimStart())
  return [name, first, ...more]
}
