import type SMTPConnection from 'nodemailer/lib/smtp-connection'

export type Extension = '8BITMIME' | 'SMTPUTF8' | 'DSN'

/** Whether the server offered an extension in its answer to EHLO. */
export function lists(connection: SMTPConnection, extension: Extension): boolean {
  const listed: unknown = Reflect.get(connection, '_supportedExtensions')
  if (!Array.isArray(listed)) throw new TypeError('nodemailer keeps no extensions')
  return listed.includes(extension)
}

/** Parameters of the commands of one transaction; those of recipients in the order of the envelope. */
export type Parameters = { mail: readonly string[]; recipients: readonly (readonly string[])[] }

/**
 * Adds parameters to the commands of the transaction that follows. nodemailer says SMTPUTF8 for addresses alone, though header fields beyond
 * ASCII need it (https://www.rfc-editor.org/rfc/rfc6531#section-3.4), and has one wish for reports for all recipients. This code uses
 * private parts of nodemailer: if they are missing nothing is sent.
 */
export function addParameters(connection: SMTPConnection, { mail, recipients }: Parameters): void {
  Reflect.deleteProperty(connection, '_sendCommand')
  if (mail.length === 0 && recipients.every((parameters) => parameters.length === 0)) return
  const send: unknown = Reflect.get(connection, '_sendCommand')
  if (typeof send !== 'function') throw new TypeError('nodemailer has no _sendCommand')
  let next = 0
  const parametersOf = (line: string): readonly string[] => {
    if (line.startsWith('MAIL FROM:')) return mail
    if (line.startsWith('RCPT TO:')) return recipients[next++] ?? []
    return []
  }
  Reflect.set(connection, '_sendCommand', (line: string) => {
    send.call(connection, [line, ...parametersOf(line)].join(' '))
  })
}
