import { Client } from '@microsoft/microsoft-graph-client'
import { describe, expect, test } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { describeProvider } from '../../test/conformance.ts'
import { type Answer, type Exchange, playBehaviour, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildMime } from '../lib/mime.ts'
import { createMicrosoft365 } from './index.ts'

const draftId = 'AAkALgAA_draft-1='
const messageId = '<DB7PR01MB1@eurprd01.prod.outlook.com>'
const user = '/v1.0/users/writer%40example.com'
const draftPath = `${user}/messages/AAkALgAA_draft-1%3D`
const accepts = respond(202, '', { 'content-type': 'text/plain' })
const token = respond(200, '{"access_token":"eyJ.token-of-a.test","expires_in":3599,"token_type":"Bearer"}')
const drafts = respond(200, '{"id":"AAMkAG-drafts"}')
const person = respond(
  200,
  JSON.stringify({
    mail: 'writer@example.com',
    proxyAddresses: ['SMTP:writer@example.com', 'smtp:w@example.com', 'SIP:x@example.com'],
  }),
)
const refusal = (code: string, message = '') => JSON.stringify({ error: { code, message, innerError: {} } })

function draftOf(recipients: number, changes: object = {}): Answer {
  const some = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ emailAddress: { name: '', address: `${at}@example.org` } }))
  const lists = { toRecipients: some(recipients), ccRecipients: [], bccRecipients: [] }
  return respond(
    201,
    JSON.stringify({ id: draftId, internetMessageId: messageId, isDraft: true, ...lists, ...changes }),
  )
}

/** Answers all requests except the send request, and those of a check. */
function before({ method, path }: Exchange): Answer | undefined {
  if (path.endsWith('/token')) return token
  if (method === 'DELETE') return respond(204, '')
  return method === 'POST' && path.endsWith('/messages') ? draftOf(50) : undefined
}

const keys = { client_id: 'app-1', client_secret: 'secret-1' }
const settingsOf = (port: number) => ({
  tenant: 'contoso.example',
  user: 'writer@example.com',
  base_url: `http://127.0.0.1:${port}`,
  login_url: `http://127.0.0.1:${port}/login`,
})

const connectionTo = (port: number) => ({ credentials: keys, settings: settingsOf(port) })

describeProvider('microsoft365', createMicrosoft365, {
  connectionTo,
  credentialsWith: (value) => ({ ...keys, client_secret: value }),
  play: playBehaviour({
    before,
    accepts: (response, exchange) => {
      if (exchange.method !== 'GET') return accepts(response, exchange)
      return (exchange.path.includes('mailFolders') ? drafts : person)(response, exchange)
    },
    refusesCredentials: respond(401, refusal('InvalidAuthenticationToken')),
    asksToWait: respond(429, refusal('ApplicationThrottled'), { 'retry-after': '30' }),
  }),
})

const adapter = setUpAdapter({
  create: createMicrosoft365,
  connectionTo,
  accepts,
  providerMessageId: messageId,
})

async function start(
  answer: (exchange: Exchange) => Answer | undefined = () => undefined,
  credentials: object = keys,
) {
  const started = await adapter.start(
    (response, exchange) => (answer(exchange) ?? before(exchange) ?? accepts)(response, exchange),
    { credentials },
  )
  return {
    ...started,
    /** Requests to Graph, in short. */
    asked: () => started.peer.got.slice(1).map(({ method, path }) => `${method} ${path}`),
  }
}

const rich = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Writer, "The" Größe' },
  to: [{ address: 'reader@example.org', name: 'Reader, Ann' }],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net', name: 'Hidden' }],
  replyTo: [{ address: 'a@example.com', name: 'Answers' }, { address: 'b@example.com' }],
  envelopeTo: ['reader@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Größe 5 – “Hello”',
  headers: { 'List-Unsubscribe': '<https://example.com/u>' },
  tags: ['welcome'],
  metadata: { order: '7' },
  html: '<p>Hello <img src="cid:logo"></p>\n',
  attachments: [
    {
      filename: 'Größe.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
  ],
})

describe('the requests', () => {
  test('ask for a token, make a draft of the whole mail, and send it', async () => {
    const { peer, send } = await start()
    expect(await send(rich)).toEqual({ kind: 'accepted', providerMessageId: messageId })
    const [ourToken, draft, order] = peer.got
    expect(ourToken?.path).toBe('/login/contoso.example/oauth2/v2.0/token')
    expect(Object.fromEntries(new URLSearchParams(ourToken?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app-1',
      client_secret: 'secret-1',
      scope: `http://127.0.0.1:${peer.port}/.default`,
    })
    const headers = { authorization: 'Bearer eyJ.token-of-a.test', prefer: 'IdType="ImmutableId"' }
    expect(draft).toMatchObject({
      method: 'POST',
      path: `${user}/messages`,
      headers: { ...headers, 'content-type': 'text/plain' },
    })
    expect(Buffer.from(draft?.body ?? '', 'base64')).toEqual(
      Buffer.concat([Buffer.from('Bcc: hidden@example.net\r\n'), await buildMime(rich)]),
    )
    expect(draft?.body).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    expect(order).toMatchObject({
      method: 'POST',
      path: `${draftPath}/send`,
      headers: { ...headers, 'content-length': '0' },
      body: '',
    })
    expect(peer.got).toHaveLength(3)
  })

  test('of a minimal message, byte for byte', async () => {
    const { peer, send } = await start()
    await send(buildOutboundMessage({ html: undefined }))
    expect(
      Buffer.from(peer.got[1]?.body ?? '', 'base64')
        .toString()
        .split('\r\n'),
    ).toEqual([
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

  // Differences: the SDK leaves @ in paths as it is, and gives its token to https alone, so that here it sends none. It
  // writes whatever is no buffer as JSON.
  test('equal those of the official SDK', async () => {
    const { peer, send } = await start()
    await send(rich)
    const [, draft, order] = peer.got.splice(0)
    const sdk = Client.init({
      authProvider: (done) => done(null, 'eyJ.token-of-a.test'),
      baseUrl: `http://127.0.0.1:${peer.port}/`,
    })
    const prefer = 'IdType="ImmutableId"'
    const made = await sdk
      .api('/users/writer@example.com/messages')
      .header('Prefer', prefer)
      .header('Content-Type', 'text/plain')
      .post(Buffer.from(draft?.body ?? ''))
    await sdk
      .api(`/users/writer@example.com/messages/${made.id}/send`)
      .header('Prefer', prefer)
      .post(Buffer.alloc(0))
    const said = (exchange?: Exchange) => [
      exchange?.method,
      decodeURIComponent(exchange?.path ?? ''),
      exchange?.body,
    ]
    const [theirDraft, theirOrder] = peer.got
    expect(said(draft)).toEqual(said(theirDraft))
    expect(said(order)).toEqual(said(theirOrder))
    for (const name of ['content-type', 'prefer'])
      expect(draft?.headers[name]).toBe(theirDraft?.headers[name])
  })

  test('of a repeat are the same byte for byte, with the same token', async () => {
    const { peer, send } = await start()
    await send(rich)
    await send(rich)
    const bodies = peer.got.map(({ body }) => body)
    expect(bodies.slice(1, 3)).toEqual(bodies.slice(3))
  })

  test('leave out recipients that were reached before', async () => {
    const { peer, send } = await start()
    await send({ ...rich, envelopeTo: ['hidden@example.net'] })
    const mail = Buffer.from(peer.got[1]?.body ?? '', 'base64').toString()
    expect(mail).toMatch(/^Bcc: hidden@example\.net\r\n/)
    expect(mail).not.toMatch(/reader@example\.org|copy@example\.net|^(To|Cc):/m)
  })

  test('a refresh token is used for the user who gave it', async () => {
    const { peer, send } = await start(undefined, { client_id: 'app-1', refresh_token: 'refresh-1' })
    await send(buildOutboundMessage())
    expect(Object.fromEntries(new URLSearchParams(peer.got[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'app-1',
      refresh_token: 'refresh-1',
      scope: `http://127.0.0.1:${peer.port}/.default offline_access`,
    })
  })

  test('a message too long for a readable draft is sent without one, with our Message-ID', async () => {
    const { send, asked } = await start()
    const message = buildOutboundMessage({ html: `<p>${'x'.repeat(150_000)}</p>` })
    expect(await send(message)).toEqual({
      kind: 'accepted',
      providerMessageId: `<${message.id}@example.com>`,
    })
    expect(asked()).toEqual([`POST ${user}/sendMail`])
  })
})

describe('drafts', () => {
  const isDraft = ({ method, path }: Exchange) => method === 'POST' && path.endsWith('/messages')
  const isOrder = ({ path }: Exchange) => path.endsWith('/send')

  test.each([
    ['says 500', respond(500, ''), 'provider-unavailable'],
    ['says 503', respond(503, '', { 'retry-after': '9' }), 'provider-unavailable'],
    [
      'hangs up',
      (response: Parameters<Answer>[0]) => void response.socket?.destroy(),
      'provider-unavailable',
    ],
    ['says garbage', respond(201, '<html>'), 'provider-unavailable'],
    ['says no id', respond(201, '{"id":""}'), 'provider-unavailable'],
    ['says 429', respond(429, refusal('ApplicationThrottled')), 'provider-rate-limited'],
    ['says 403', respond(403, refusal('ErrorAccessDenied')), 'provider-permission-missing'],
    ['says 413', respond(413, ''), 'message-too-large'],
  ])('a peer that at the draft %s: nothing was sent (%#)', async (_what, answer, code) => {
    const { send, asked } = await start((exchange) => (isDraft(exchange) ? answer : undefined))
    expect(await send(buildOutboundMessage())).toMatchObject({ code })
    expect(asked()).toEqual([`POST ${user}/messages`])
  })

  test('a draft step that asks to wait defers the message by that time', async () => {
    const { send } = await start((exchange) =>
      isDraft(exchange) ? respond(503, '', { 'retry-after': '9' }) : undefined,
    )
    expect(await send(buildOutboundMessage())).toMatchObject({ kind: 'deferred', retryAfterMs: 9000 })
  })

  test.each([
    [429, refusal('ApplicationThrottled'), 'provider-rate-limited'],
    [403, refusal('ErrorSendAsDenied'), 'provider-sender-refused'],
    [404, refusal('ErrorItemNotFound'), 'provider-unavailable'],
  ])('a draft whose sending is refused (%d %s) is removed', async (status, body, code) => {
    const { send, asked } = await start((exchange) => (isOrder(exchange) ? respond(status, body) : undefined))
    expect(await send(buildOutboundMessage())).toMatchObject({ code })
    expect(asked().at(-1)).toBe(`DELETE ${draftPath}`)
    expect(asked()).toHaveLength(3)
  })

  test('a refused token removes no draft', async () => {
    const { send, asked } = await start((exchange) => (isOrder(exchange) ? respond(401, '') : undefined))
    expect(await send(buildOutboundMessage())).toMatchObject({ code: 'provider-credentials-refused' })
    expect(asked().join()).not.toContain('DELETE')
  })

  test('a draft that cannot be removed does not change the outcome', async () => {
    const { send } = await start((exchange) => {
      if (exchange.method === 'DELETE') return (response) => void response.socket?.destroy()
      return isOrder(exchange) ? respond(429, '') : undefined
    })
    expect(await send(buildOutboundMessage())).toMatchObject({ code: 'provider-rate-limited' })
  })

  test('a draft that may have been sent stays, and the reason says how to find it', async () => {
    const { send, asked } = await start((exchange) => (isOrder(exchange) ? respond(504, '') : undefined))
    expect(await send(buildOutboundMessage())).toEqual({
      kind: 'unknown',
      code: 'outcome-unknown',
      reason: `draft ${messageId}: 504`,
    })
    expect(asked()).toHaveLength(2)
  })

  test('a draft that lost a recipient is not sent', async () => {
    const { send, asked } = await start((exchange) => (isDraft(exchange) ? draftOf(2) : undefined))
    expect(await send(rich)).toMatchObject({ kind: 'rejected', code: 'recipient-refused' })
    expect(asked()).toEqual([`POST ${user}/messages`, `DELETE ${draftPath}`])
  })

  test('a draft without recipients in the answer is sent, with its own id if the answer has no Message-ID', async () => {
    const bare = draftOf(0, { internetMessageId: null, bccRecipients: undefined })
    const { send } = await start((exchange) => (isDraft(exchange) ? bare : undefined))
    expect(await send(rich)).toEqual({ kind: 'accepted', providerMessageId: draftId })
  })
})

describe('check', () => {
  const at = (part: string, answer: Answer) => (exchange: Exchange) =>
    exchange.method !== 'GET' ? undefined : exchange.path.includes(part) ? answer : drafts

  test('reports the addresses that are allowed in From, and the limits', async () => {
    const { check, asked } = await start(at('proxyAddresses', person))
    expect(await check()).toEqual({
      problem: null,
      identities: ['writer@example.com', 'w@example.com'],
      notes: [expect.stringMatching(/4 requests at a time/)],
    })
    expect(asked()).toEqual([
      `GET ${user}/mailFolders/drafts?$select=id`,
      `GET ${user}?$select=mail,proxyAddresses`,
    ])
  })

  test('an app that may not read the user is good', async () => {
    const { check } = await start(at('proxyAddresses', respond(403, refusal('Authorization_RequestDenied'))))
    expect(await check()).toMatchObject({
      problem: null,
      notes: [expect.stringMatching(/User\.Read/), expect.any(String)],
    })
  })

  test.each([
    [403, 'ErrorAccessDenied', 'provider-permission-missing', /Mail\.ReadWrite and Mail\.Send/],
    [401, 'InvalidAuthenticationToken', 'provider-credentials-refused', /rotate/],
    [404, 'ErrorInvalidUser', 'provider-settings-wrong', /settings/],
    [429, '', 'provider-rate-limited', /minute/],
    [503, '', 'provider-unavailable', /^$/],
  ])('%d %s at the drafts is %s', async (status, body, code, advice) => {
    const { check } = await start(at('mailFolders', respond(status, refusal(body))))
    const { problem } = await check()
    expect(problem?.code).toBe(code)
    expect(problem?.advice.join(' ')).toMatch(advice)
  })

  test('an expired client secret is reported as expired', async () => {
    const body = '{"error":"invalid_client","error_description":"AADSTS7000222: expired"}'
    const { check } = await start(({ path }) => (path.endsWith('/token') ? respond(401, body) : undefined))
    expect(await check()).toMatchObject({
      problem: {
        code: 'provider-credentials-refused',
        advice: [expect.stringMatching(/has expired/), expect.any(String)],
      },
    })
  })
})

adapter.testEgressRefusal()
