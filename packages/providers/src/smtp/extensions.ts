import type SMTPConnection from 'nodemailer/lib/smtp-connection'

export type Extension = '8BITMIME' | 'SMTPUTF8'

/** Whether the server offered an extension in its answer to EHLO. */
export function lists(connection: SMTPConnection, extension: Extension): boolean {
  const listed: unknown = Reflect.get(connection, '_supportedExtensions')
  if (!Array.isArray(listed)) throw new TypeError('nodemailer keeps no extensions')
  return listed.includes(extension)
}

/**
 * Adds SMTPUTF8 to the MAIL command that follows: header fields beyond ASCII need it (https://www.rfc-editor.org/rfc/rfc6531#section-3.4),
 * and nodemailer says it for addresses alone. This code uses private parts of nodemailer: if they are missing nothing is sent.
 */
export function sayUtf8(connection: SMTPConnection): void {
  const send: unknown = Reflect.get(connection, '_sendCommand')
  if (typeof send !== 'function') throw new TypeError('nodemailer has no _sendCommand')
  Reflect.set(connection, '_sendCommand', (line: string) => {
    Reflect.deleteProperty(connection, '_sendCommand')
    send.call(connection, line.startsWith('MAIL FROM:') ? `${line} SMTPUTF8` : line)
  })
}
