import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { playHttp, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import { createSendgrid } from '../sendgrid/index.ts'
import { createSes } from '../ses/index.ts'
import { createSmtp } from '../smtp/index.ts'
import { buildMime } from './mime.ts'
import { buildPendingMime } from './mime-pending.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** Quoted addresses as they are stored, with all characters that are allowed in quotes; addresses that need no quotes are left out. */
const address = fc
  .array(fc.constantFrom(..." .,;:()[]|&%!'`{}$", 'a', 'Bcc: e', '..', '\\"', '\\\\'), {
    minLength: 1,
    maxLength: 20,
  })
  .map(
    (pieces) =>
      `"${pieces
        .join('')
        .slice(0, 61)
        .replace(/(?<!\\)((?:\\\\)*)\\$/, '$1')} "@example.net`,
  )

/** The values of a field, unfolded as RFC 5322 §2.2.3 says. */
function valuesOf(mime: Buffer, name: string): string[] {
  const text = mime.toString('latin1')
  const lines = text
    .slice(0, text.indexOf('\r\n\r\n'))
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
  return lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2))
}

describe('25 a quoted address is written unchanged, and adds no recipient', () => {
  test('in the fields of a mail', async () => {
    await fc.assert(
      fc.asyncProperty(address, address, async (to, other) => {
        const mailboxes = { to: [{ address: to }], cc: [{ address: other, name: 'Lee, Ann' }] }
        const bcc = [{ address: 'b@example.net' }, { address: other }]
        const message = buildOutboundMessage({ ...mailboxes, bcc, envelopeTo: [to, 'b@example.net', other] })
        const mime = await buildMime(message)
        expect(valuesOf(mime, 'To')).toEqual([`<${to}>`])
        expect(valuesOf(mime, 'Cc')).toEqual([`"Lee, Ann" <${other}>`])
        expect(valuesOf(mime, 'Bcc')).toEqual([])
        expect(valuesOf(await buildPendingMime(message), 'Bcc')).toEqual([`b@example.net, ${other}`])
      }),
      { numRuns: 300 },
    )
  })

  test('in the envelope of SMTP', async () => {
    const peer = await playSmtp()
    const smtp = createSmtp()
    cleanups.push(
      () => smtp.close?.(),
      () => peer.close(),
    )
    const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
    const connection = {
      id: 'con_1',
      credentials: smtp.credentials.parse({}),
      settings: smtp.settings.parse(settings),
    }
    await fc.assert(
      fc.asyncProperty(address, address, async (to, from) => {
        peer.commands.length = 0
        const message = buildOutboundMessage({ to: [{ address: to }], from: { address: from } })
        expect(await smtp.send(message, connection, createTestIo())).toMatchObject({ kind: 'accepted' })
        const ofEnvelope = peer.commands.filter((line) => /^(?:MAIL|RCPT)/.test(line))
        expect(ofEnvelope).toEqual([`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`])
      }),
      { numRuns: 60 },
    )
  })

  test.each(['"a..b"', '".a"', '"a."'])('in JSON: %s', async (local) => {
    const to = `${local}@docomo.example`
    const message = buildOutboundMessage({ to: [{ address: to }] })
    const peer = await playHttp(respond(202, '{"MessageId":"m"}', { 'x-message-id': 'm' }))
    const io = createTestIo()
    cleanups.push(io.close, peer.close)
    const base_url = `http://127.0.0.1:${peer.port}`
    const [sendgrid, ses] = [createSendgrid(), createSes()]
    await sendgrid.send(
      message,
      {
        id: 'con_1',
        credentials: sendgrid.credentials.parse({ api_key: 'SG.1' }),
        settings: sendgrid.settings.parse({ base_url }),
      },
      io,
    )
    await ses.send(
      message,
      {
        id: 'con_2',
        credentials: ses.credentials.parse({ access_key_id: 'AKID', secret_access_key: 'secret' }),
        settings: ses.settings.parse({ base_url, region: 'eu-west-1' }),
      },
      io,
    )
    const [bySendgrid, bySes] = peer.got.map(({ body }) => JSON.parse(body))
    expect(bySendgrid.personalizations).toEqual([{ to: [{ email: to }] }])
    expect(bySes.Destination).toEqual({ ToAddresses: [to] })
  })
})
