import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createFakeSmtp } from './fake-smtp.ts'
import type { SmtpScript } from './fake-smtp-fault.ts'
import { waitUntil } from './ports.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function start(script: SmtpScript) {
  const fake = createFakeSmtp()
  fake.script(script)
  fake.server.listen(0, '127.0.0.1')
  await once(fake.server, 'listening')
  const address = fake.server.address()
  if (!address || typeof address === 'string') throw new Error('no port')
  const { port } = address
  cleanups.push(() => fake.server.close())
  return { ...fake, open: () => openClient(port) }
}

type TestClient = { socket: Socket; heard(): string; hears(text: string): Promise<void> }

/** A client that keeps the replies. */
function openClient(port: number): TestClient {
  let heard = ''
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket
    .on('error', () => undefined)
    .on('data', (piece) => {
      heard += piece
    })
  cleanups.push(() => socket.destroy())
  const hears = (text: string) => waitUntil(`hearing ${text}`, 5_000, async () => heard.includes(text), 5)
  return { socket, heard: () => heard, hears }
}

test('a fault applies to the command that it matches, and 421 closes the session', async () => {
  const fault = { stage: 'rcpt', kind: 'reply', reply: '421 4.3.2 bye' } as const
  const { open, ledger } = await start({ rules: [{ match: 'b@', fault }] })
  const client = open()
  client.socket.write('EHLO me\r\nRCPT TO:<a@example.net>\r\n')
  await client.hears('250 2.1.5 ok')
  client.socket.write('RCPT TO:<b@example.net>\r\n')
  await once(client.socket, 'end')
  expect(client.heard()).toContain('421 4.3.2 bye')
  expect(ledger.faults()).toHaveLength(1)
})

test('sessions beyond the maximum are refused, and one more is accepted after another has ended', async () => {
  const { open } = await start({ sessionsMax: 1, rules: [] })
  const first = open()
  await first.hears('220')
  const second = open()
  await second.hears('421')
  const left = once(first.socket, 'close')
  first.socket.destroy()
  await left
  await waitUntil('room', 5_000, async () => {
    const next = open()
    await waitUntil('an answer', 5_000, async () => next.heard().length > 3, 5)
    return next.heard().startsWith('220')
  })
})

test('a server that restarts closes its open sessions', async () => {
  const { open, script } = await start({ rules: [] })
  const client = open()
  await client.hears('220')
  script({ anew: true, rules: [] })
  await once(client.socket, 'end')
})

test('an answer drips line by line before the usual answer, or never ends', async () => {
  const drip = { stage: 'greeting', kind: 'drip', everyMs: 1, lines: 2 } as const
  const dripping = await start({ rules: [{ fault: drip }] })
  const slow = dripping.open()
  await slow.hears('220-and more\r\n220-and more\r\n220 fake ESMTP\r\n')
  const endless = await start({ rules: [{ fault: { stage: 'greeting', kind: 'endless', piece: '\r\n' } }] })
  const flooded = endless.open()
  await waitUntil('more than buffers hold', 5_000, async () => flooded.heard().length > 20_000_000, 5)
})
