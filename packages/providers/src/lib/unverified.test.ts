import { afterEach, describe, expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import type { SendOutcome } from '../provider.ts'
import { createSes } from '../ses/index.ts'
import { createSmtp } from '../smtp/index.ts'
import { toFailure } from './to-failure.ts'
import { tellUnverified } from './unverified.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const refusal = (names: string) =>
  `Email address is not verified. The following identities failed the check in region EU-WEST-1: ${names}`

async function bySmtp(text: string): Promise<SendOutcome> {
  const peer = await playSmtp({ message: (socket) => socket.write(`554 Message rejected: ${text}\r\n`) })
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
  const connection = { id: 'con_1', credentials: {}, settings: smtp.settings.parse(settings) }
  return smtp.send(buildOutboundMessage(), connection, createTestIo())
}

async function byApi(text: string): Promise<SendOutcome> {
  const peer = await playHttp(
    respond(400, JSON.stringify({ message: text }), { 'x-amzn-errortype': 'MessageRejected' }),
  )
  const [ses, io] = [createSes(), createTestIo()]
  cleanups.push(io.close, peer.close)
  const connection = {
    id: 'con_1',
    credentials: ses.credentials.parse({ access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI' }),
    settings: ses.settings.parse({ region: 'eu-west-1', base_url: `http://127.0.0.1:${peer.port}` }),
  }
  return ses.send(buildOutboundMessage(), connection, io)
}

describe.each([
  ['SMTP', bySmtp],
  ['its API', byApi],
])('Amazon SES gives the same answer to an unverified address over %s', (_, send) => {
  test.each([
    ['the sender', refusal('writer@example.com'), 'provider-sender-refused'],
    ['the sender by name', refusal('"A. Writer" <Writer@Example.com>'), 'provider-sender-refused'],
    ['the sender’s domain', refusal('example.com'), 'provider-sender-refused'],
    ['the sender among others', refusal('reader@example.org, writer@example.com'), 'provider-sender-refused'],
    ['no address', 'Email address is not verified.', 'provider-sender-refused'],
    ['a recipient', refusal('reader@example.org'), 'provider-sandbox'],
    ['some recipients', refusal('a@example.net, b@example.net, ...'), 'provider-sandbox'],
  ])('an answer that names %s', async (_, text, code) => {
    expect(await send(text)).toMatchObject({ kind: 'rejected', scope: 'account', code })
  })
})

test.each(['not-example.com', 'sub.example.com'])('%s is not the domain of the sender', (name) => {
  const outcome = toFailure('provider-sender-refused', `400 MessageRejected: ${refusal(name)}`)
  expect(tellUnverified(outcome, 'writer@example.com')).toMatchObject({ code: 'provider-sandbox' })
})

test('an answer about something else is unchanged', () => {
  for (const outcome of [
    toFailure('message-refused', '554 the following identities: writer@example.com'),
    toFailure('provider-rate-limited', '429 slow down', 30_000),
    { kind: 'accepted', providerMessageId: 'x' } as const,
  ])
    expect(tellUnverified(outcome, 'writer@example.com')).toBe(outcome)
})
