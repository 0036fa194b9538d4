import { createServer, type Socket } from 'node:net'
import type { Peer } from './conformance.ts'

/** A self-signed certificate for mail.test and its throwaway key, good until 2126. */
export const testTls = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIYA6sNW9L/Jld/hu
dHo8odeGCgT+Q2N8lzGnQ1s1Xn2hRANCAARvGXZpecYhCb37ha0wDYIOHeOrUnFL
/Pz9x/jpgAE9vNm0Ly+kxagAoIzzHWEtF31CIwJYCX8lwZ4A2Hih+wl9
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIUQykpEyyN+BG30XH9zLOG/LbauoUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbWFpbC50ZXN0MCAXDTI2MTEyMDExMjExN1oYDzIxMjYxMDI3
MTEyMTE3WjAUMRIwEAYDVQQDDAltYWlsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARvGXZpecYhCb37ha0wDYIOHeOrUnFL/Pz9x/jpgAE9vNm0Ly+kxagA
oIzzHWEtF31CIwJYCX8lwZ4A2Hih+wl9o3gwdjAdBgNVHQ4EFgQU/hy5yuL5cFhz
kqjPvTSOLhOyKAswHwYDVR0jBBgwFoAU/hy5yuL5cFhzkqjPvTSOLhOyKAswDwYD
VR0TAQH/BAUwAwEB/zAjBgNVHREEHDAaggltYWlsLnRlc3SCDWFwaS5tYWlsLnRl
c3QwCgYIKoZIzj0EAwIDSAAwRQIgUJzqmy75ymKwkQtCyI0emv5UsTSd51t/DdM6
iZa0CzwCIQDDQh6UFq2KAbgwGksSiepNrL0SDH6OMJZb/Bru7WffHA==
-----END CERTIFICATE-----
`,
}

/** Replies of a scripted server at each step; '' sends nothing. */
export type Script = {
  greeting?: string
  ehlo?: string[]
  auth?: string
  mail?: () => string
  rcpt?: (address: string) => string
  data?: string
  /** Answers any other line. */
  other?: (line: string) => string
  /** Called when the final dot has come. */
  message?: (socket: Socket, text: string) => void
  /** Called with each piece of the message, before its end is looked for. */
  piece?: (socket: Socket) => void
}

export type SmtpPeer = Peer & { connections(): number; messages: string[]; commands: string[] }

/** A server without TLS that follows a script to the letter, at phases where real ones cannot be made to fail. */
export async function playSmtp(script: Script = {}): Promise<SmtpPeer> {
  const sockets = new Set<Socket>()
  const messages: string[] = []
  const commands: string[] = []
  let connections = 0
  const server = createServer({ noDelay: true }, (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket, script, messages, commands)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    connections: () => connections,
    messages,
    commands,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function serve(socket: Socket, script: Script, messages: string[], commands: string[]): void {
  let buffered = ''
  let inData = false
  const say = (reply: string) => {
    if (reply) socket.write(`${reply}\r\n`)
  }
  say(script.greeting ?? '220 peer ESMTP')
  socket.setEncoding('latin1').on('data', (piece) => {
    buffered += piece
    for (;;) {
      if (inData) {
        script.piece?.(socket)
        // A message of no lines is a dot alone, so the line break before it counts as there.
        const end = `\r\n${buffered}`.indexOf('\r\n.\r\n')
        if (end < 0) return
        const text = buffered.slice(0, end)
        buffered = buffered.slice(end + 3)
        inData = false
        messages.push(text)
        if (script.message) script.message(socket, text)
        else say('250 2.0.0 Ok: queued as 4F2A1C')
        continue
      }
      const end = buffered.indexOf('\r\n')
      if (end < 0) return
      const line = buffered.slice(0, end)
      buffered = buffered.slice(end + 2)
      commands.push(line)
      inData = obey(line, script, say, socket)
    }
  })
}

/** Answers one command; true when the message comes next. */
function obey(line: string, script: Script, say: (reply: string) => void, socket: Socket): boolean {
  const verb = line.slice(0, 4).toUpperCase()
  if (verb === 'EHLO')
    say(['250-peer', ...(script.ehlo ?? ['PIPELINING']).map((word) => `250-${word}`), '250 OK'].join('\r\n'))
  else if (verb === 'AUTH') say(script.auth ?? '235 2.7.0 ok')
  else if (verb === 'MAIL') say(script.mail?.() ?? '250 2.1.0 ok')
  else if (verb === 'RCPT') say(script.rcpt?.(/<(.*?)>/.exec(line)?.[1] ?? '') ?? '250 2.1.5 ok')
  else if (verb === 'DATA') {
    const reply = script.data ?? '354 go on'
    say(reply)
    return reply.startsWith('354')
  } else if (verb === 'QUIT') socket.end('221 bye\r\n')
  else say(script.other?.(line) ?? '250 ok')
  return false
}
