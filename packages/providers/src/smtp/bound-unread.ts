import type SMTPConnection from 'nodemailer/lib/smtp-connection'

/** A server answers one command at a time. */
const linesMax = 100

/**
 * Disconnects a server that sends more than it was asked for. Nodemailer bounds each reply, but keeps the empty lines before one without end, and
 * looks at one of them in each turn of the event loop, which soon is all that this process does. This code uses private parts of
 * nodemailer: if they are missing nothing is sent, so that a change of them is noticed.
 */
export function boundUnread(connection: SMTPConnection): void {
  const receive = methodOf(connection, '_onData')
  const drop = methodOf(connection, '_onResponseTooLarge')
  if (unreadOf(connection) === null) throw new TypeError('nodemailer keeps no replies')
  Reflect.set(connection, '_onData', (chunk: Buffer) => {
    receive(chunk)
    if ((unreadOf(connection) ?? []).length > linesMax) drop()
  })
}

function unreadOf(connection: SMTPConnection): unknown[] | null {
  const unread: unknown = Reflect.get(connection, '_responseQueue')
  return Array.isArray(unread) ? unread : null
}

function methodOf(connection: SMTPConnection, name: string): (...values: unknown[]) => void {
  const method: unknown = Reflect.get(connection, name)
  if (typeof method !== 'function') throw new TypeError(`nodemailer has no ${name}`)
  return (...values) => void method.apply(connection, values)
}
