import { generateKeyPairSync } from 'node:crypto'
import { dkimVerify } from 'mailauth'
import { describe, expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildMime } from '../lib/mime.ts'
import { Secret } from '../lib/secret.ts'
import { keysFor, signMime } from './dkim.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const pem = { type: 'pkcs8', format: 'pem' } as const
const spki = { type: 'spki', format: 'der' } as const
const keys = [
  { domain: 'example.com', selector: 'r', private_key: new Secret(String(rsa.privateKey.export(pem))) },
  { domain: 'example.com', selector: 'e', private_key: new Secret(String(ed25519.privateKey.export(pem))) },
]
const records: Record<string, string> = {
  'r._domainkey.example.com': `v=DKIM1; k=rsa; p=${rsa.publicKey.export(spki).toString('base64')}`,
  'e._domainkey.example.com': `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export(spki).subarray(-32).toString('base64')}`,
}
const at = new Date('2026-11-20T10:00:00Z')

/** The result of mailauth, another implementation. */
async function verify(mime: Buffer) {
  const { results } = await dkimVerify(mime, {
    curTime: at,
    resolver: async (name: string) => [[records[name] ?? '']],
  })
  return results.map(({ selector, status }) => `${selector} ${status.result}`)
}

const attachment = {
  filename: 'übersicht.pdf',
  contentType: 'application/pdf',
  disposition: 'attachment' as const,
  content: Buffer.alloc(3000, 7),
}

describe('signatures that another implementation accepts', () => {
  test.each([
    ['a plain message', {}],
    [
      'one with everything',
      {
        subject: 'Grüße, "alle" zusammen, und noch ein paar Worte, damit die Zeile gefaltet werden muss',
        cc: [{ address: 'copy@example.net', name: 'Köpfe, die "lesen"' }],
        replyTo: [{ address: 'a@example.com' }, { address: 'b@example.com' }],
        headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Own': 'a   b' },
        attachments: [attachment],
      },
    ],
    [
      'white space at line ends, tabs, empty lines at the end',
      { html: undefined, text: 'a  b\t c \n\t\nd\n\n\n' },
    ],
    ['an empty body', { html: undefined, text: '' }],
    ['blank lines alone', { html: undefined, text: '\n\n \n' }],
  ])('%s', async (_what, changes) => {
    const mime = await buildMime(buildOutboundMessage(changes))
    const signed = await signMime(mime, keys, at)
    expect(await verify(signed)).toEqual(['r pass', 'e pass'])
    expect(signed.subarray(-mime.length).equals(mime)).toBe(true)
    expect((await signMime(mime, keys, at)).equals(signed)).toBe(true)
    const lines = signed.toString('latin1').split('\r\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(998)
  })
})

describe('a changed message breaks its signature', () => {
  test.each(['From', 'To', 'Cc', 'Subject', 'Date', 'Reply-To'])('a second %s', async (name) => {
    const signed = await signMime(await buildMime(buildOutboundMessage()), keys, at)
    const added = Buffer.concat([Buffer.from(`${name}: evil@example.net\r\n`), signed])
    expect(await verify(added)).toEqual(['r fail', 'e fail'])
  })
  test('another word in the body', async () => {
    const signed = await signMime(await buildMime(buildOutboundMessage()), keys, at)
    const changed = Buffer.from(signed.toString('latin1').replace('Hello, reader', 'Hello, victim'), 'latin1')
    expect(await verify(changed)).not.toContain('r pass')
  })
})

test('only the keys of the domain in From, or above it, sign', () => {
  const chosen = (from: string) => keysFor(from, keys).map(({ selector }) => selector)
  expect(chosen('a@example.com')).toEqual(['r', 'e'])
  expect(chosen('a@news.example.com')).toEqual(['r', 'e'])
  expect(chosen('a@badexample.com')).toEqual([])
  expect(chosen('a@com')).toEqual([])
})

test('without a key the message is unchanged', async () => {
  const mime = await buildMime(buildOutboundMessage())
  expect(await signMime(mime, [], at)).toBe(mime)
})
