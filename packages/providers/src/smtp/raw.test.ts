import { generateKeyPairSync } from 'node:crypto'
import { dkimVerify } from 'mailauth'
import { afterEach, describe, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp, type Script, type SmtpPeer } from '../../test/smtp-peer.ts'
import { signMime } from '../direct/dkim.ts'
import { Secret } from '../lib/secret.ts'
import type { OutboundMessage, RawMail } from '../provider.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const all = ['PIPELINING', '8BITMIME', 'SMTPUTF8']
const rawMail = (bytes: Buffer, change: Partial<RawMail> = {}): RawMail => ({
  bytes,
  messageId: '<1@example.com>',
  isAscii: true,
  isHeadAscii: true,
  ...change,
})

async function send(raw: RawMail, script: Script = { ehlo: all }, change: Partial<OutboundMessage> = {}) {
  const peer = await playSmtp(script)
  const provider = createSmtp()
  const io = createTestIo()
  cleanups.push(io.close, () => provider.close?.(), peer.close)
  const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
  const connection = { id: 'c', credentials: {}, settings: provider.settings.parse(settings) }
  const message = buildOutboundMessage({ text: undefined, html: undefined, raw, ...change })
  return { outcome: await provider.send(message, connection, io), peer }
}

/** The bytes that a server gets, without the dots that lines beginning with one have been given. */
const bytesOf = ({ messages }: SmtpPeer) => Buffer.from((messages[0] ?? '').replaceAll(/^\./gm, ''), 'latin1')

describe('a mail that its client wrote', () => {
  const everyByte = Buffer.from(
    Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10 && byte !== 13),
  )

  test('arrives byte for byte, and requests the extensions that it needs', async () => {
    const head = Buffer.from('From: Žofie <writer@example.com>\r\nSubject: Grüße\r\n\r\n')
    const bytes = Buffer.concat([head, Buffer.from('.\r\n..\r\n.a\r\n'), everyByte, Buffer.from('\r\n\r\n')])
    const { outcome, peer } = await send(rawMail(bytes, { isAscii: false, isHeadAscii: false }))
    expect(outcome.kind).toBe('accepted')
    expect(bytesOf(peer).equals(bytes)).toBe(true)
    expect(peer.commands).toContain('MAIL FROM:<writer@example.com> BODY=8BITMIME SMTPUTF8')
  })

  test.each([
    ['8BITMIME', { isAscii: false }, ['SMTPUTF8']],
    ['SMTPUTF8', { isAscii: false, isHeadAscii: false }, ['8BITMIME']],
  ])('is not sent to a server without %s, which would change it', async (missing, change, ehlo) => {
    const { outcome, peer } = await send(rawMail(Buffer.from('From: a@b.example\r\n\r\nö\r\n'), change), {
      ehlo,
    })
    expect(outcome).toMatchObject({ kind: 'rejected', scope: 'account', code: 'provider-cannot-express' })
    expect(outcome).toMatchObject({ reason: expect.stringContaining(missing) })
    expect(peer.commands.filter((line) => line.startsWith('MAIL'))).toEqual([])
  })

  test('in ASCII is sent to any server, without extensions', async () => {
    const { peer } = await send(rawMail(Buffer.from('From: a@b.example\r\n\r\nHi\r\n')), {})
    expect(peer.commands).toContain('MAIL FROM:<writer@example.com>')
  })

  test('keeps the signature of its client', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const key = { domain: 'example.com', selector: 'r', private_key: new Secret(pem) }
    const at = new Date('2026-11-20T10:00:00Z')
    const unsigned = Buffer.from(
      'From: writer@example.com\r\nTo: reader@example.org\r\nSubject: Grüße\r\n\r\n.dot\r\nGrüße  \r\n',
    )
    const bytes = await signMime(unsigned, [key], at)
    const { peer } = await send(rawMail(bytes, { isAscii: false, isHeadAscii: false }))
    const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
    const { results } = await dkimVerify(bytesOf(peer), { curTime: at, resolver: async () => [[record]] })
    expect(results.map(({ status }) => status.result)).toEqual(['pass'])
  })
})

describe('the envelope is independent of the mail', () => {
  test.each([
    ['bounces@acme.example', '<bounces@acme.example>'],
    ['', '<>'],
  ])(
    'bounces are sent to %j and not to the author, and the mail to the recipients of the envelope',
    async (returnPath, path) => {
      const raw = rawMail(Buffer.from('From: a@b.example\r\nTo: other@example.net\r\n\r\nHi\r\n'))
      const { peer } = await send(raw, {}, { returnPath, envelopeTo: ['hidden@example.net'] })
      expect(peer.commands).toContain(`MAIL FROM:${path}`)
      expect(peer.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
        'RCPT TO:<hidden@example.net>',
      ])
      expect(peer.messages[0]).not.toContain('hidden')
    },
  )

  test('also for a message from fields', async () => {
    const change = { raw: undefined, text: 'Hi', returnPath: 'bounces@acme.example' }
    const { peer } = await send(rawMail(Buffer.alloc(0)), {}, change)
    expect(peer.commands).toContain('MAIL FROM:<bounces@acme.example>')
  })
})

describe('what a client asked for about reports', () => {
  const raw = rawMail(Buffer.from('From: a@b.example\r\n\r\nHi\r\n'))
  const envelopeTo = ['a@one.example', 'b@one.example', 'c@one.example']
  const dsn: OutboundMessage['dsn'] = {
    ret: 'HDRS',
    envid: 'order 1+2=3',
    recipients: {
      'a@one.example': { notify: ['NEVER'] },
      'c@one.example': { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;Cecile+x@old.example' },
    },
  }
  const commands = ({ commands: all }: SmtpPeer) => all.filter((line) => /^(MAIL|RCPT)/.test(line))

  test('is said to a server that offers DSN, for each recipient by itself', async () => {
    const { peer } = await send(raw, { ehlo: [...all, 'DSN'] }, { envelopeTo, dsn })
    expect(commands(peer)).toEqual([
      'MAIL FROM:<writer@example.com> RET=HDRS ENVID=order+201+2B2+3D3',
      'RCPT TO:<a@one.example> NOTIFY=NEVER',
      'RCPT TO:<b@one.example>',
      'RCPT TO:<c@one.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Cecile+2Bx@old.example',
    ])
  })

  test('is not said to another server, and the mail goes out', async () => {
    const { outcome, peer } = await send(raw, { ehlo: all }, { envelopeTo, dsn })
    expect(outcome.kind).toBe('accepted')
    expect(commands(peer)).toEqual([
      'MAIL FROM:<writer@example.com>',
      'RCPT TO:<a@one.example>',
      'RCPT TO:<b@one.example>',
      'RCPT TO:<c@one.example>',
    ])
  })

  test('gives way to bounces of the gateway: their events need them', async () => {
    const returnPaths = { 'a@one.example': 'b+1@bounce.example' }
    const { peer } = await send(raw, { ehlo: ['DSN'] }, { envelopeTo, dsn, returnPaths })
    expect(commands(peer)).toEqual([
      'MAIL FROM:<b+1@bounce.example> RET=HDRS ENVID=order+201+2B2+3D3',
      'RCPT TO:<a@one.example> NOTIFY=FAILURE',
      'RCPT TO:<b@one.example>',
      'RCPT TO:<c@one.example> NOTIFY=SUCCESS,DELAY,FAILURE ORCPT=rfc822;Cecile+2Bx@old.example',
    ])
  })

  test('belongs to one mail of a session alone', async () => {
    const peer = await playSmtp({ ehlo: ['DSN'] })
    const provider = createSmtp()
    const io = createTestIo()
    cleanups.push(io.close, () => provider.close?.(), peer.close)
    const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
    const connection = { id: 'c', credentials: {}, settings: provider.settings.parse(settings) }
    await provider.send(buildOutboundMessage({ envelopeTo, dsn }), connection, io)
    await provider.send(buildOutboundMessage({ envelopeTo: ['d@one.example'] }), connection, io)
    expect(peer.connections()).toBe(1)
    expect(commands(peer).slice(-2)).toEqual(['MAIL FROM:<writer@example.com>', 'RCPT TO:<d@one.example>'])
  })
})
