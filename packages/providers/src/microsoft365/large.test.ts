import { createHash } from 'node:crypto'
import { Client, LargeFileUploadTask } from '@microsoft/microsoft-graph-client'
import { afterEach, describe, expect, test } from 'vitest'
import { buildFile, startSending, withFiles } from '../../test/fake-graph.ts'
import { type Exchange, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage } from '../../test/io.ts'
import { buildPendingMime } from '../lib/mime-pending.ts'

const pieceBytes = 3_932_160
const MB = 1_000_000

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function start(options: Parameters<typeof startSending>[0] = {}) {
  const started = await startSending(options)
  cleanups.push(started.close)
  return started
}

const inline = { contentType: 'image/png', disposition: 'inline' as const, contentId: 'logo@x' }
const fingerprint = (content: Buffer) => createHash('sha256').update(content).digest('hex')

const rich = {
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net', name: 'Hidden' }],
  replyTo: [{ address: 'a@example.com', name: 'Answers' }, { address: 'b@example.com' }],
  envelopeTo: ['reader@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Größe 5 – “Hello”',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Campaign': 'spring' },
  html: '<p>Hello <img src="cid:logo@x"></p>\n',
}

describe('a message that one request cannot hold', () => {
  test('becomes a draft without its largest file, which is uploaded in pieces before the draft is sent', async () => {
    const big = buildFile('Größe 1.pdf', 5 * MB)
    const image = buildFile('logo.png', 2_000, inline)
    const note = buildFile('note.txt', 300, { contentType: 'text/plain' })
    const message = buildOutboundMessage({ ...rich, attachments: [image, big, note] })
    const { graph, send } = await start()
    expect(await send(message)).toEqual({ kind: 'accepted', providerMessageId: '<draft-1@example.com>' })
    expect(graph.asked()).toEqual([
      'POST /messages',
      'POST /messages/draft-1/attachments/createUploadSession',
      "PUT /upload/AttachmentSessions('session-1')",
      "PUT /upload/AttachmentSessions('session-1')",
      'POST /messages/draft-1/send',
    ])
    const [sent] = graph.sent
    expect(sent?.mime).toBe((await buildPendingMime({ ...message, attachments: [image, note] })).toString())
    expect(sent?.mime).toMatch(/^List-Unsubscribe: .*\r\nX-Campaign: spring\r\n/m)
    expect(sent?.mime).toMatch(/^Reply-To: .*a@example.com.*,\s+b@example\.com/m)
    expect(sent?.mime).toMatch(/Content-Id: <logo@x>/i)
    const [file, ...more] = sent?.files ?? []
    expect(more).toEqual([])
    expect(file).toMatchObject({ name: 'Größe 1.pdf', contentType: 'application/pdf', isInline: false })
    expect(fingerprint(file?.content ?? Buffer.alloc(0))).toBe(fingerprint(big.content))
  })

  test('gives these requests byte for byte', async () => {
    const { graph, send } = await start()
    await send(withFiles(buildFile('a.pdf', 5 * MB, inline)))
    const [, , session, first, last] = graph.got
    const prefer = { prefer: 'IdType="ImmutableId"', authorization: 'Bearer eyJ.token-of-a.test' }
    expect(session).toMatchObject({
      method: 'POST',
      headers: { ...prefer, 'content-type': 'application/json' },
      body: '{"AttachmentItem":{"attachmentType":"file","name":"a.pdf","contentType":"image/png","isInline":true,"contentId":"logo@x","size":5000000}}',
    })
    const upload = `/upload/AttachmentSessions('session-1')?authtoken=${graph.authToken}`
    const type = { 'content-type': 'application/octet-stream' }
    expect(first).toMatchObject({
      method: 'PUT',
      path: upload,
      headers: { ...type, 'content-range': 'bytes 0-3932159/5000000', 'content-length': '3932160' },
    })
    expect(last).toMatchObject({
      method: 'PUT',
      path: upload,
      headers: { ...type, 'content-range': 'bytes 3932160-4999999/5000000', 'content-length': '1067840' },
    })
    for (const piece of [first, last]) {
      expect(piece?.headers).not.toHaveProperty('authorization')
      expect(piece?.headers).not.toHaveProperty('prefer')
    }
  })

  test('a large image in the text keeps its content id', async () => {
    const { graph, send } = await start()
    await send(buildOutboundMessage({ ...rich, attachments: [buildFile('logo.png', 4 * MB, inline)] }))
    expect(graph.sent[0]?.files).toMatchObject([{ name: 'logo.png', isInline: true, contentId: 'logo@x' }])
    expect(graph.sent[0]?.mime).toContain('cid:logo@x')
  })

  test('of many files as few as possible follow the draft, each below 3 MB in its own request', async () => {
    const files = [1, 9, 2, 8, 3, 7].map((tenths) => buildFile(`${tenths}.pdf`, tenths * 100_000))
    const { graph, send } = await start()
    expect(await send(withFiles(...files))).toMatchObject({ kind: 'accepted' })
    expect(graph.asked()).toEqual([
      'POST /messages',
      'POST /messages/draft-1/attachments',
      'POST /messages/draft-1/send',
    ])
    const [sent] = graph.sent
    expect(sent?.files).toEqual([
      { name: '9.pdf', contentType: 'application/pdf', isInline: false, content: files[1]?.content },
    ])
    const names = [...(sent?.mime ?? '').matchAll(/filename="([^"]+)"/g)].map(([, name]) => name)
    expect(names).toEqual(['1.pdf', '2.pdf', '8.pdf', '3.pdf', '7.pdf'])
  })

  test('has its following files in their order, for any sizes', async () => {
    const { graph, send } = await start()
    const files = [2_500_000, 4 * MB, 100, 2_600_000].map((bytes, index) => buildFile(`${index}.pdf`, bytes))
    await send(withFiles(...files))
    expect(graph.sent[0]?.files.map(({ name }) => name)).toEqual(['0.pdf', '1.pdf', '3.pdf'])
    expect(graph.sent[0]?.mime).toContain('filename="2.pdf"')
  })

  test('is the same byte for byte when it is repeated', async () => {
    const { graph, send } = await start()
    const message = withFiles(buildFile('a.pdf', 4 * MB), buildFile('b.pdf', 2 * MB), buildFile('c.pdf', MB))
    await send(message)
    await send(message)
    const bodies = graph.got
      .filter(({ path }) => !path.endsWith('/token'))
      .map(({ bytes }) => fingerprint(bytes))
    expect(bodies).toHaveLength(12)
    expect(bodies.slice(0, 6)).toEqual(bodies.slice(6))
  })

  test('is read although the answer repeats its long text', async () => {
    const html = '<'.repeat(1_500_000)
    const isDraft = ({ method, path }: Exchange) => method === 'POST' && path.endsWith('/messages')
    const { send } = await start({
      answer: (exchange) =>
        isDraft(exchange)
          ? respond(201, `{"id":"draft-1","body":"${'\\u003c'.repeat(html.length)}"}`)
          : exchange.path.includes('/draft-1')
            ? respond(exchange.path.endsWith('/send') ? 202 : 201, '')
            : undefined,
    })
    const message = buildOutboundMessage({ html, attachments: [buildFile('a.pdf', 2 * MB)] })
    expect(await send(message)).toEqual({ kind: 'accepted', providerMessageId: 'draft-1' })
  })

  test('without files is sent in one request, and Graph decides', async () => {
    const { graph, send } = await start()
    expect(await send(buildOutboundMessage({ html: '='.repeat(1_200_000) }))).toMatchObject({
      kind: 'rejected',
      code: 'message-too-large',
    })
    expect(graph.asked()).toEqual(['POST /sendMail'])
  })

  test('is not started in a cloud without upload sessions', async () => {
    const hosts: string[] = []
    const io = {
      request: async ({ url }: { url: string }) => {
        hosts.push(new URL(url).hostname)
        return { status: 200, headers: {}, body: Buffer.from('{"access_token":"t"}') }
      },
    }
    const { send } = await start({ io })
    const settings = { base_url: 'https://graph.microsoft.us', login_url: 'https://login.microsoftonline.us' }
    expect(await send(withFiles(buildFile('a.pdf', 3 * MB)), settings)).toMatchObject({
      scope: 'account',
      code: 'provider-cannot-express',
    })
    expect(hosts).toEqual(['login.microsoftonline.us'])
  })
})

describe('the limits of pieces', () => {
  test.each([
    [3 * MB, [[0, 2_999_999]]],
    [pieceBytes, [[0, pieceBytes - 1]]],
    [
      pieceBytes + 1,
      [
        [0, pieceBytes - 1],
        [pieceBytes, pieceBytes],
      ],
    ],
    [
      2 * pieceBytes,
      [
        [0, pieceBytes - 1],
        [pieceBytes, 2 * pieceBytes - 1],
      ],
    ],
  ])('a file of %d bytes is sent as %j', async (bytes, ranges) => {
    const { graph, send } = await start()
    const file = buildFile('a.pdf', bytes)
    expect(await send(withFiles(file))).toMatchObject({ kind: 'accepted' })
    const pieces = graph.got.filter(({ method }) => method === 'PUT')
    expect(pieces.map(({ headers }) => headers['content-range'])).toEqual(
      ranges.map(([from, to]) => `bytes ${from}-${to}/${bytes}`),
    )
    expect(fingerprint(Buffer.concat(pieces.map((piece) => piece.bytes)))).toBe(fingerprint(file.content))
  })

  test('a file of one byte less than 3 MB is sent in one request, which Graph accepts', async () => {
    const { graph, send } = await start()
    const file = buildFile(`${'é'.repeat(120)}.pdf`, 3 * MB - 1)
    expect(await send(withFiles(file))).toMatchObject({ kind: 'accepted' })
    expect(graph.asked()[1]).toBe('POST /messages/draft-1/attachments')
    expect(graph.sent[0]?.files[0]?.content.equals(file.content)).toBe(true)
  })

  test('a message that exactly fits into one request gets no draft with files', async () => {
    const { graph, send } = await start()
    await send(withFiles(buildFile('a.pdf', 2_190_000)))
    expect(graph.asked()).toEqual(['POST /messages', 'POST /messages/draft-1/send'])
    expect(graph.got[1]?.bytes.length).toBeLessThanOrEqual(4 * MB)
  })

  test('the largest allowed message is sent', async () => {
    const { graph, send } = await start({ timeoutMs: 25_000 })
    const files = Array.from({ length: 50 }, (_, index) => buildFile(`${index}.pdf`, 500 * 1024))
    expect(await send(withFiles(...files))).toMatchObject({ kind: 'accepted' })
    const [sent] = graph.sent
    const inMime = sent?.mime.match(/filename=/g)?.length ?? 0
    expect(inMime + (sent?.files.length ?? 0)).toBe(50)
  })

  // The SDK takes only https for an address, and gives its token to nothing else: here the upload is a path of Graph's.
  test('the pieces equal those of the official SDK', async () => {
    const { graph, send } = await start()
    const { content } = buildFile('a.pdf', 2 * pieceBytes + 5)
    await send(withFiles({ ...buildFile('a.pdf', 0), content }))
    const sdk = Client.init({
      authProvider: (done) => done(null, 'x'),
      baseUrl: `http://127.0.0.1:${graph.port}/`,
    })
    const url = `/upload/AttachmentSessions('session-2')?authtoken=${graph.authToken}`
    graph.openSession(content.length)
    const file = {
      name: 'a.pdf',
      size: content.length,
      content,
      sliceFile: ({ minValue, maxValue }: { minValue: number; maxValue: number }) =>
        content.subarray(minValue, maxValue + 1),
    }
    const session = { url, expiry: new Date(Date.now() + 60_000) }
    await new LargeFileUploadTask(sdk, file, session, { rangeSize: pieceBytes }).upload()
    const pieces = graph.got
      .filter(({ method }) => method === 'PUT')
      .map(({ headers, bytes }) => [
        ...['content-type', 'content-range', 'content-length'].map((name) => headers[name]),
        fingerprint(bytes),
      ])
    expect(pieces).toHaveLength(6)
    expect(pieces.slice(0, 3)).toEqual(pieces.slice(3))
  })
})
