import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSmtpReader } from './read-smtp.ts'

/*
 * Takes every message by SMTP, in a separate process, so that the cost of a message for its sender does not include the cost of
 * the answers. Reports the dialogue of the first message to its parent, once.
 */

/** The bytes of the client from MAIL to the end of the message, split where it waited for an answer; in base64. */
export type Dialogue = { turns: string[] }

const replies: Record<string, string> = {
  EHLO: '250-sink\r\n250-PIPELINING\r\n250-SIZE 41943040\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n',
  MAIL: '250 2.1.0 Ok\r\n',
  RCPT: '250 2.1.5 Ok\r\n',
  DATA: '354 End data with <CR><LF>.<CR><LF>\r\n',
  message: '250 2.0.0 Ok: queued as 4F2A1C\r\n',
  QUIT: '221 2.0.0 Bye\r\n',
}
let isTold = false

function serve(socket: Socket): void {
  const read = createSmtpReader()
  let turns: string[] = []
  let turn: Buffer[] = []
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    const said = read(chunk)
    if (said.length > 0) socket.write(said.map((what) => replies[what] ?? '250 2.0.0 Ok\r\n').join(''))
    if (isTold) return
    turn.push(chunk)
    if (said.length === 0) return
    if (said.includes('MAIL')) turns = []
    turns.push(Buffer.concat(turn).toString('base64'))
    turn = []
    if (!said.includes('message')) return
    isTold = true
    process.send?.({ turns } satisfies Dialogue)
  })
  socket.write('220 sink ESMTP\r\n')
}

const server = createServer({ noDelay: true }, serve)
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
