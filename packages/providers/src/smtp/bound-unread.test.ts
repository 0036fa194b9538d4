import { afterEach, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp, type Script } from '../../test/smtp-peer.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function sendTo(script: Script) {
  const peer = await playSmtp(script)
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const settings = { host: '127.0.0.1', tls: 'none', allow_insecure: true, port: peer.port }
  const connection = {
    id: 'con_1',
    credentials: smtp.credentials.parse({}),
    settings: smtp.settings.parse(settings),
  }
  return await smtp.send(buildOutboundMessage(), connection, createTestIo())
}

const floods = { 'empty lines': '\r\n', 'blank lines': ' \r\n' }

test.each(Object.entries(floods))(
  'a server that sends %s instead of a greeting is disconnected',
  async (_, piece) => {
    const outcome = await sendTo({ greeting: piece.repeat(100_000) })
    expect(outcome).toMatchObject({
      kind: 'deferred',
      reason: 'Server response exceeds maximum allowed size',
    })
  },
)

test.each(Object.entries(floods))(
  'endless %s after the final dot leave the message unknown',
  async (_, piece) => {
    const outcome = await sendTo({ message: (socket) => socket.write(piece.repeat(100_000)) })
    expect(outcome).toMatchObject({ kind: 'unknown' })
    expect(outcome).not.toMatchObject({ reason: 'no reply in time' })
  },
)

test('a few empty lines before a reply do no harm', async () => {
  expect(await sendTo({ greeting: '\r\n\r\n220 peer ESMTP' })).toMatchObject({ kind: 'accepted' })
})
