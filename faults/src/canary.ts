import { createServer, type Server } from 'node:net'

export type Canary = { name: string; value: string }
export type Find = { place: string; name: string; form: string }

/** Too short a piece would be found by chance. */
const PIECE_MIN = 8

/** How a text may show in others: as it is, as hex, and as base64 at each of the three places it may begin at. */
function formsOf(value: string): { form: string; text: string }[] {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends depend on the text beside it.
    return encoded.slice(Math.ceil((offset * 4) / 3), (offset + bytes.length) % 3 === 0 ? undefined : -1)
  })
  return [
    { form: 'plain', text: value },
    { form: 'plain in JSON', text: JSON.stringify(value).slice(1, -1) },
    { form: 'hex', text: bytes.toString('hex') },
    { form: 'upper hex', text: bytes.toString('hex').toUpperCase() },
    ...base64.map((text) => ({ form: 'base64', text })),
    ...base64.map((text) => ({
      form: 'base64url',
      text: text.replaceAll('+', '-').replaceAll('/', '_'),
    })),
  ].filter(({ text }) => text.length >= PIECE_MIN)
}

/** Looks for each secret, in each form, in each place. */
export function findCanaries(places: ReadonlyMap<string, string>, canaries: readonly Canary[]): Find[] {
  const finds: Find[] = []
  for (const { name, value } of canaries) {
    for (const { form, text } of formsOf(value)) {
      for (const [place, content] of places) if (content.includes(text)) finds.push({ place, name, form })
    }
  }
  return finds
}

/** An SMTP server that refuses every login and repeats the login in its reply, as careless servers do. */
export function createEchoingSmtp(): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('220 careless.example ESMTP\r\n')
    socket.on('data', (chunk: Buffer) => {
      const line = chunk.toString('latin1').trim()
      if (/^EHLO/i.test(line)) socket.write('250-careless.example\r\n250 AUTH PLAIN LOGIN\r\n')
      else if (/^QUIT/i.test(line)) socket.end('221 Bye\r\n')
      else socket.write(`535 5.7.8 Not accepted: ${line}\r\n`)
    })
  })
}
