import { generateKeyPairSync } from 'node:crypto'
import { auth, gmail as createSdk } from '@googleapis/gmail'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { type Answer, type Exchange, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildMime } from '../lib/mime.ts'
import type { OutboundMessage } from '../provider.ts'
import { createGmail } from './index.ts'

const id = '18c9a1f2b3d4e5f6'
const accepts = respond(200, JSON.stringify({ id, threadId: id, labelIds: ['SENT'] }))
const profile = respond(200, JSON.stringify({ emailAddress: 'writer@example.com', messagesTotal: 5 }))
const token = respond(200, '{"access_token":"ya29.token-of-a-test","expires_in":3599,"token_type":"Bearer"}')
const before = ({ path }: Exchange) => (path === '/token' ? token : undefined)
const refusal = (reason: string, message = '', status = '') =>
  JSON.stringify({ error: { errors: [{ domain: 'global', reason, message }], message, status } })

const client = { client_id: 'app-1', client_secret: 'secret-1', refresh_token: '1//refresh-1' }
const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const account = { client_email: 'bot@p.iam.gserviceaccount.com', private_key: privateKey }
const settingsOf = (port: number) => ({
  user: 'writer@example.com',
  base_url: `http://127.0.0.1:${port}`,
  token_url: `http://127.0.0.1:${port}/token`,
})

const connectionTo = (port: number) => ({ credentials: client, settings: settingsOf(port) })

describeProvider('gmail', createGmail, {
  connectionTo,
  credentialsWith: (value) => ({ ...client, client_secret: value }),
  play: playBehaviour({
    before,
    accepts: (response, exchange) => (exchange.method === 'GET' ? profile : accepts)(response, exchange),
    refusesCredentials: respond(401, refusal('authError', 'Invalid Credentials')),
    asksToWait: respond(429, refusal('rateLimitExceeded'), { 'retry-after': '30' }),
  }),
})

const adapter = setUpAdapter({ create: createGmail, connectionTo, accepts, providerMessageId: id })

async function start(answer: Answer = accepts, credentials: object = client) {
  const started = await adapter.start(
    (response, exchange) => (before(exchange) ?? answer)(response, exchange),
    { credentials },
  )
  return { ...started, mails: () => started.peer.got.filter(({ path }) => path !== '/token') }
}

async function mailOf(changes: Partial<OutboundMessage>): Promise<string> {
  const { send, mails } = await start()
  expect(await send(buildOutboundMessage(changes))).toEqual({ kind: 'accepted', providerMessageId: id })
  return mails()[0]?.body ?? ''
}

const rich = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Writer, "The" Größe' },
  to: [{ address: 'reader@example.org', name: 'Reader, Ann' }, { address: 'other@example.org' }],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net', name: 'Hidden' }, { address: 'hidden2@example.net' }],
  replyTo: [{ address: 'a@example.com', name: 'Answers' }, { address: 'b@example.com' }],
  envelopeTo: [
    ...['reader@example.org', 'other@example.org', 'copy@example.net'],
    ...['hidden@example.net', 'hidden2@example.net'],
  ],
  subject: 'Größe 5 – “Hello”',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Campaign': 'spring' },
  tags: ['welcome'],
  metadata: { order: '7' },
  html: '<p>Hello <img src="cid:logo"></p>\n',
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
    {
      filename: 'Übersicht.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      content: Buffer.from('pdf'),
    },
  ],
})

describe('the request', () => {
  test('of a minimal message, byte for byte', async () => {
    const { send, mails } = await start()
    await send(buildOutboundMessage({ html: undefined }))
    const [exchange] = mails()
    expect(exchange).toMatchObject({
      method: 'POST',
      path: '/upload/gmail/v1/users/writer%40example.com/messages/send?uploadType=media',
      headers: { authorization: 'Bearer ya29.token-of-a-test', 'content-type': 'message/rfc822' },
    })
    expect(exchange?.body.split('\r\n')).toEqual([
      'X-LG-Id: msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
      'From: The Writer <writer@example.com>',
      'To: reader@example.org',
      'Subject: Hello',
      'Message-ID: <msg_01k9z8y7x6w5v4t3s2r1q0pnmk@example.com>',
      'Date: Fri, 20 Nov 2026 10:00:00 +0000',
      'Content-Transfer-Encoding: 7bit',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Hello, reader.',
      '',
    ])
  })

  test('of a rich message has all of it, with the blind copies in the field Bcc', async () => {
    const { send, mails } = await start()
    await send(rich)
    const body = mails()[0]?.bytes ?? Buffer.alloc(0)
    const bcc = 'Bcc: hidden@example.net,\r\n hidden2@example.net\r\n'
    expect(body).toEqual(Buffer.concat([Buffer.from(bcc), await buildMime(rich)]))
    const mail = await simpleParser(body)
    const textOf = (name: string) => {
      const value = mail.headers.get(name)
      return value !== null && typeof value === 'object' && 'text' in value ? value.text : value
    }
    expect(['from', 'to', 'cc', 'bcc', 'reply-to', 'subject', 'x-campaign', 'x-lg-id'].map(textOf)).toEqual([
      '"Writer, "The" Größe" <writer@example.com>',
      '"Reader, Ann" <reader@example.org>, other@example.org',
      '"Größe 2" <copy@example.net>',
      'hidden@example.net, hidden2@example.net',
      '"Answers" <a@example.com>, b@example.com',
      'Größe 5 – “Hello”',
      'spring',
      rich.id,
    ])
    expect(
      mail.attachments.map(({ filename, contentType, cid, content }) => [
        filename,
        contentType,
        cid,
        `${content}`,
      ]),
    ).toEqual([
      ['logo.png', 'image/png', 'logo', 'png'],
      ['Übersicht.pdf', 'application/pdf', undefined, 'pdf'],
    ])
  })

  test('equals the requests of the official SDK, for the token and for the mail', async () => {
    const { peer, send } = await start()
    await send(rich)
    const { client_id: clientId, client_secret: clientSecret, refresh_token } = client
    const endpoints = { oauth2TokenUrl: `http://127.0.0.1:${peer.port}/token` }
    const login = new auth.OAuth2({ clientId, clientSecret, endpoints })
    login.setCredentials({ refresh_token })
    const sdk = createSdk({ version: 'v1', auth: login })
    const mail = peer.got[1]?.body ?? ''
    await sdk.users.messages.send(
      { userId: 'writer@example.com', media: { mimeType: 'message/rfc822', body: mail } },
      { rootUrl: `http://127.0.0.1:${peer.port}/` },
    )
    const [ourToken, ours, theirToken, theirs] = peer.got
    const fields = (exchange?: Exchange) => Object.fromEntries(new URLSearchParams(exchange?.body))
    expect(fields(ourToken)).toEqual(fields(theirToken))
    expect([ours?.method, ours?.path, ours?.body]).toEqual([theirs?.method, theirs?.path, theirs?.body])
    for (const name of ['authorization', 'content-type'])
      expect(ours?.headers[name]).toBe(theirs?.headers[name])
  })

  test('a repeat is the same byte for byte, with the same token', async () => {
    const { peer, send } = await start()
    await send(rich)
    await send(rich)
    const [, first, second] = peer.got
    expect(first?.body).toBe(second?.body)
    expect(peer.got).toHaveLength(3)
  })

  test('recipients that were reached before are left out of all fields', async () => {
    const mail = await mailOf({ ...rich, envelopeTo: ['other@example.org', 'hidden2@example.net'] })
    expect(mail).toContain('\r\nTo: other@example.org\r\n')
    expect(mail).toMatch(/^Bcc: hidden2@example\.net\r\n/)
    expect(mail).not.toMatch(/reader@example\.org|copy@example\.net|hidden@example\.net|^Cc:/m)
  })

  test('blind copies alone are only in Bcc', async () => {
    const mail = await mailOf({ ...rich, envelopeTo: ['hidden@example.net', 'hidden2@example.net'] })
    expect(mail).toMatch(/^Bcc: hidden@example\.net,\r\n hidden2@example\.net\r\n/)
    expect(mail).not.toMatch(/^(To|Cc):/m)
  })

  test('a service account asks for the user of the settings', async () => {
    const { peer, send } = await start(accepts, account)
    await send(buildOutboundMessage())
    const [, claims = ''] = new URLSearchParams(peer.got[0]?.body).get('assertion')?.split('.') ?? []
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: account.client_email,
      sub: 'writer@example.com',
      scope: 'https://www.googleapis.com/auth/gmail.send',
      aud: `http://127.0.0.1:${peer.port}/token`,
    })
  })
})

describe('failures', () => {
  test('an answer that repeats the token is stored without it', async () => {
    const { send } = await start((response, exchange) =>
      respond(403, refusal('forbidden', `no: ${exchange.headers.authorization}`))(response, exchange),
    )
    const outcome = await send(buildOutboundMessage())
    expect(outcome).toMatchObject({ reason: '403 forbidden no: Bearer ***' })
  })

  test('without a token nothing is sent, and the reason comes from the token host', async () => {
    const { peer, send, check } = await adapter.start(
      respond(400, '{"error":"invalid_grant","error_description":"Revoked."}'),
    )
    expect(await send(buildOutboundMessage())).toEqual({
      kind: 'rejected',
      scope: 'account',
      code: 'provider-credentials-refused',
      reason: 'token host: 400 invalid_grant Revoked.',
    })
    expect(peer.got).toHaveLength(1)
    expect((await check()).problem?.advice.join(' ')).toMatch(/consent again/)
  })
})

describe('check', () => {
  test('reports the address that is allowed in From', async () => {
    const { check, mails } = await start(profile)
    expect(await check()).toMatchObject({ problem: null, identities: ['writer@example.com'] })
    expect(mails()[0]).toMatchObject({ method: 'GET', path: '/gmail/v1/users/writer%40example.com/profile' })
  })

  test('a token that may only send is good', async () => {
    const body = refusal('insufficientPermissions', 'Request had insufficient authentication scopes.')
    const { check } = await start(respond(403, body))
    expect(await check()).toMatchObject({
      problem: null,
      notes: [expect.stringMatching(/may send/), expect.any(String)],
    })
  })

  test.each([
    [403, 'accessNotConfigured', 'provider-permission-missing', /Enable the Gmail API/],
    [403, 'domainPolicy', 'provider-permission-missing', /permissions/],
    [403, 'rateLimitExceeded', 'provider-rate-limited', /minute/],
    [400, 'failedPrecondition', 'provider-settings-wrong', /settings/],
    [503, '', 'provider-unavailable', /^$/],
  ])('%d %s is %s', async (status, reason, code, advice) => {
    const { check } = await start(respond(status, refusal(reason)))
    const { problem } = await check()
    expect(problem?.code).toBe(code)
    expect(problem?.advice.join(' ')).toMatch(advice)
  })
})

adapter.testEgressRefusal()

test('the default address is that of Google', () => {
  const gmail = createGmail()
  expect(gmail.targets(gmail.settings.parse({ user: 'writer@example.com' }))).toEqual([
    { host: 'gmail.googleapis.com', port: 443, scheme: 'https' },
    { host: 'oauth2.googleapis.com', port: 443, scheme: 'https' },
  ])
})

test.each([
  [account, true],
  [{ ...account, private_key: privateKey.replaceAll('\n', '\\n') }, true],
  [{}, false],
  [{ client_id: 'a', client_secret: 'b' }, false],
  [{ ...client, ...account }, false],
  [{ ...client, client_email: account.client_email }, false],
  [{ client_email: account.client_email }, false],
  [{ ...account, private_key: 'secret-value' }, false],
  [{ ...client, client_id: 'with space' }, false],
])('credentials %#', (credentials, isGood) => {
  const result = createGmail().credentials.safeParse(credentials)
  expect(result.success).toBe(isGood)
  expect(JSON.stringify(result.error?.issues ?? '')).not.toMatch(/secret-|BEGIN/)
})

test.each(['', 'me', '..', 'a@b/c', 'a@b?x', 'a b@c.example', 'a%2f@c.example'])(
  'the user %s is refused',
  (user) => {
    expect(createGmail().settings.safeParse({ user }).success).toBe(false)
  },
)
