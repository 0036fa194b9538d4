import { spawn } from 'node:child_process'
import { createSecretKey } from 'node:crypto'
import { once } from 'node:events'
import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createMailgun } from '@lettergate/providers/mailgun/index'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { createSendgrid } from '@lettergate/providers/sendgrid/index'
import { createSmtp } from '@lettergate/providers/smtp/index'
import { type HttpPeer, playHttp, respond } from '@lettergate/providers/test/http-peer'
import { playSmtp, type SmtpPeer } from '@lettergate/providers/test/smtp-peer'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'
import { noCallbacks } from '../../test/no-callbacks.ts'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { noFailpoint } from '../lib/index.ts'
import { createMessageReader, readRaw } from '../messages/index.ts'
import { insertDataKey } from '../secrets/index.ts'
import { createAcceptor } from './accept.ts'
import { createConnectionsCheck } from './check-capabilities.ts'
import type { MimeMessage, Submission, SubmitOutcome } from './submission.ts'
import { createSubmit } from './submit.ts'

let db: TestDatabase
let smtp: SmtpPeer
let http: HttpPeer
let fleet: Awaited<ReturnType<typeof buildFleet>> | undefined
const cleanups: (() => Promise<void> | undefined)[] = []
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  smtp = await playSmtp({ ehlo: ['PIPELINING', '8BITMIME', 'SMTPUTF8'] })
  http = await playHttp(respond(202, '{"id":"<1@mg>","message":"Queued."}', { 'x-message-id': '1' }))
})
afterEach(async () => {
  await fleet?.stop()
  fleet = undefined
  for (const cleanup of cleanups.splice(0)) await cleanup()
  await Promise.all([smtp.close(), http.close()])
})

function through<C, S>(provider: Provider<C, S>, credentials: object, settings: object): FakeConnection {
  cleanups.push(() => provider.close?.())
  const connection = {
    id: 'c',
    credentials: provider.credentials.parse(credentials),
    settings: provider.settings.parse(settings),
  }
  return { answer: () => accepted, through: { provider, connection } }
}
const bySmtp = () =>
  through(createSmtp(), {}, { host: '127.0.0.1', port: smtp.port, tls: 'none', allow_insecure: true })
const base = () => ({ base_url: `http://127.0.0.1:${http.port}` })
const bySendgrid = () => through(createSendgrid(), { api_key: 'SG.1' }, base())
const byMailgun = () => through(createMailgun(), { api_key: 'k' }, { domain: 'mg.example.com', ...base() })

const mail = (head: string[], body: string): Buffer =>
  Buffer.from(`${['From: Ann Lee <app@acme.example>', ...head].join('\r\n')}\r\n\r\n${body}`)
const identity = ['Date: Fri, 20 Nov 2026 10:00:00 +0000', 'Message-ID: <1@acme.example>']

function mimeOf(mime: Buffer, recipients: string[], change: Partial<MimeMessage> = {}): MimeMessage {
  return {
    kind: 'mime',
    mime,
    envelope: { from: 'bounces@acme.example', recipients },
    options: { tags: ['a'], metadata: {}, stream: 'transactional' },
    ...change,
  }
}

/** For mails that no fleet of a later test is to take along. */
const later = (): Partial<MimeMessage> => ({
  options: { tags: ['a'], metadata: {}, stream: 'transactional', sendAt: new Date(Date.now() + 3_600_000) },
})

function submitTo(tenantId: string, messages: Submission['messages'], change: Partial<Submission> = {}) {
  return createSubmit({
    callbacks: noCallbacks,
    acceptor: createAcceptor({
      pool: db.pool,
      wakeWorkers: () => {},
      failpoint: noFailpoint,
      onError: () => {},
    }),
    connectionsCheck: createConnectionsCheck({ tenants: db.tenants, providers: createProviders() }),
  })({ tenant: { id: tenantId, mode: 'live' }, messages, atomic: true, idempotency: null, ...change })
}

function idOf(outcome: SubmitOutcome): string {
  const [result] = outcome.kind === 'accepted' ? outcome.results : []
  if (!result || !('id' in result)) throw new Error(JSON.stringify(outcome))
  return result.id
}

const isEmpty = async () => (await fleet?.backlog())?.length === 0

/** Submits, delivers by these connections, and answers the message's id. */
async function deliver(message: MimeMessage, connections: FakeConnection[]): Promise<string> {
  fleet = await buildFleet(db, connections)
  const id = idOf(await submitTo(fleet.tenantId, [message]))
  await fleet.run(isEmpty)
  return id
}

const rawOf = (tenantId: string, id: string) => {
  const cursorKey = { sign: createSecretKey(Buffer.alloc(32)), previous: undefined }
  const deps = { tenants: db.tenants, messages: createMessageReader({ pool: db.pool }), cursorKey }
  return readRaw(deps, { tenantId, mode: 'live' }, id, () => {})
}

const bytesOf = ({ messages }: SmtpPeer) => Buffer.from(messages[0] ?? '', 'latin1')

describe('a mail that its client wrote', () => {
  const head = [
    ...identity,
    'To: Bob <b@example.net>, other@example.net',
    'Cc: c@example.net',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  ]
  const recipients = ['c@EXAMPLE.NET', 'b@example.net', 'hidden@example.net']

  test('is stored unchanged, together with the fields that lists and details show', async () => {
    const tenantId = await buildTenant(db.pool)
    const whole = mail([...head, 'Bcc: hidden@example.net', 'X-LG-Tag: x'], 'caf\xe9\0\xff\r\n')
    const id = idOf(await submitTo(tenantId, [mimeOf(whole, recipients, later())]))
    expect((await rawOf(tenantId, id)).equals(mail(head, 'caf\xe9\0\xff\r\n'))).toBe(true)
    const stored = await createMessageReader({ pool: db.pool }).read({ tenantId, mode: 'live' }, id)
    expect(stored).toMatchObject({
      fromAddress: 'app@acme.example',
      fromName: 'Ann Lee',
      subject: 'Grüße',
      tags: ['a'],
      attachmentCount: 0,
      status: 'scheduled',
      recipients: [
        { kind: 'to', address: 'b@example.net', name: 'Bob' },
        { kind: 'cc', address: 'c@example.net' },
        { kind: 'bcc', address: 'hidden@example.net', name: null },
      ],
    })
  })

  test('is sent unchanged by SMTP, to the recipients of its envelope only', async () => {
    const whole = mail([...head, 'Bcc: hidden@example.net'], 'Grüße\r\n')
    await deliver(mimeOf(whole, recipients), [bySmtp()])
    expect(bytesOf(smtp).equals(mail(head, 'Grüße\r\n'))).toBe(true)
    expect(smtp.commands).toContain('MAIL FROM:<bounces@acme.example> BODY=8BITMIME')
    expect(smtp.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
      ...['RCPT TO:<b@example.net>', 'RCPT TO:<c@example.net>', 'RCPT TO:<hidden@example.net>'],
    ])
  })

  test('is sent unchanged to an API that accepts MIME', async () => {
    await deliver(mimeOf(mail(head, 'Grüße\r\n'), recipients), [byMailgun()])
    const { bytes = Buffer.alloc(0) } = http.got[0] ?? {}
    expect(bytes.includes(mail(head, 'Grüße\r\n'))).toBe(true)
    expect(bytes.toString()).toContain('b@example.net,c@example.net,hidden@example.net')
  })

  test('without Date and Message-ID gets both, with the same values on every read', async () => {
    const plain = mail(['To: b@example.net'], 'Hi\r\n')
    const id = await deliver(mimeOf(plain, ['b@example.net']), [bySmtp()])
    const text = bytesOf(smtp).toString()
    expect(text).toMatch(/^Date: .* \+0000\r\nMessage-ID: <msg_\w{26}@acme\.example>\r\nFrom: /)
    expect(text.endsWith(plain.toString())).toBe(true)
    expect((await rawOf(fleet?.tenantId ?? '', id)).toString()).toBe(text)
  })

  test('of megabytes is stored in pieces, and sent completely', async () => {
    const line = `${'0123456789'.repeat(7)}\r\n`
    const whole = mail(['To: b@example.net', ...identity], line.repeat(30_000))
    const id = await deliver(mimeOf(whole, ['b@example.net']), [bySmtp()])
    expect(bytesOf(smtp).equals(whole)).toBe(true)
    expect((await rawOf(fleet?.tenantId ?? '', id)).equals(whole)).toBe(true)
  })
})

describe('an API that does not accept MIME', () => {
  const parts = [
    '--m',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    ...['', 'caf=E9', '--m', 'Content-Type: application/pdf; name="a.pdf"'],
    ...['Content-Disposition: attachment', 'Content-Transfer-Encoding: base64', '', 'cGRm', '--m--', ''],
  ]
  const head = ['To: Bob <b@example.net>', 'Subject: Bill', 'Reply-To: r@acme.example', 'X-Campaign: c1']
  const whole = mail([...head, 'Content-Type: multipart/mixed; boundary=m'], parts.join('\r\n'))

  test('gets the same mail as fields, and recipients of the envelope only as blind copies', async () => {
    await deliver(mimeOf(whole, ['b@example.net', 'hidden@example.net']), [bySendgrid()])
    expect(JSON.parse(http.got[0]?.body ?? '')).toMatchObject({
      from: { email: 'app@acme.example', name: 'Ann Lee' },
      personalizations: [
        { to: [{ email: 'b@example.net', name: 'Bob' }], bcc: [{ email: 'hidden@example.net' }] },
      ],
      subject: 'Bill',
      headers: { 'X-Campaign': 'c1' },
      content: [{ type: 'text/plain', value: 'café' }],
      attachments: [{ filename: 'a.pdf', type: 'application/pdf', content: 'cGRm' }],
    })
  })

  test.each<[string, string[], string, string[]]>([
    ['signed', ['To: b@example.net', 'Content-Type: multipart/signed; boundary=m'], parts.join('\r\n'), []],
    ['to some of those it names', ['To: b@example.net, other@example.net', 'Subject: x'], 'Hi\r\n', []],
    [
      'with a field that only the gateway may set',
      ['To: b@example.net', 'Sender: x@acme.example'],
      'Hi\r\n',
      [],
    ],
  ])('is skipped when it cannot express a mail: one %s', async (_what, fields, body) => {
    await deliver(mimeOf(mail(fields, body), ['b@example.net']), [bySendgrid(), bySmtp()])
    expect(http.got).toEqual([])
    expect(smtp.messages).toHaveLength(1)
  })

  test('cannot be the only connection for such a mail: the mail is refused with the reason', async () => {
    const tenantId = await buildTenant(db.pool)
    await insertDataKey(db.pool, tenantId, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
    const row = { tenantId, id: newId(), provider: 'sendgrid', name: 'x', priority: 1, settings: {} }
    await buildConnection(db.pool, { ...row, sealedCredentials: Buffer.from('x'), dataKeyVersion: 1 })
    const signed = mail(['To: b@example.net', 'Subject: x', 'DKIM-Signature: v=1'], 'Hi\r\n')
    expect(await submitTo(tenantId, [mimeOf(signed, ['b@example.net'])])).toMatchObject({
      kind: 'refused',
      problem: {
        code: 'field-not-supported',
        errors: [{ pointer: '#/mime', detail: expect.stringMatching(/dkim-signature.*SMTP.*sendgrid/) }],
      },
    })
    expect(await submitTo(tenantId, [mimeOf(whole, ['b@example.net'], later())])).toMatchObject({
      kind: 'accepted',
    })
  })
})

describe('a mail that cannot be sent is refused with all its faults', () => {
  test.each<[string, Partial<MimeMessage>, string[]]>([
    ['no recipient', { envelope: { from: '', recipients: [] } }, ['#/envelope/recipients']],
    [
      'addresses that are none',
      { envelope: { from: 'x', recipients: ['a@b.example', 'nobody'] } },
      ['#/envelope/from', '#/envelope/recipients/1'],
    ],
    ['two authors', { mime: Buffer.from('From: a@b.example, c@d.example\r\n\r\n') }, ['#/mime']],
    ['an author without an address', { mime: Buffer.from('From: nobody\r\n\r\n') }, ['#/mime']],
    ['no header fields', { mime: Buffer.from('Hi') }, ['#/mime']],
  ])('%s', async (_what, change, pointers) => {
    const tenantId = await buildTenant(db.pool)
    const outcome = await submitTo(tenantId, [mimeOf(mail([], 'Hi'), ['b@example.net'], change)])
    if (outcome.kind !== 'refused') throw new Error(outcome.kind)
    expect(outcome.problem.errors?.map(({ pointer }) => pointer)).toEqual(pointers)
  })
})

describe('one submission of many messages', () => {
  const copies = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      mimeOf(mail([], `Copy ${index}\r\n`), [`u${index}@example.net`], later()),
    )
  const idempotency = { key: 'k', route: 'test', bodyHash: Buffer.alloc(32) }

  test('of mails that the client wrote is stored together, and a repeat gets the same ids', async () => {
    const tenantId = await buildTenant(db.pool)
    const first = await submitTo(tenantId, copies(100), { idempotency })
    const again = await submitTo(tenantId, copies(100), { idempotency })
    if (first.kind !== 'accepted') throw new Error(first.kind)
    expect(again).toMatchObject({ kind: 'replayed', results: first.results })
    const { rows } = await db.pool.query({
      text: 'select count(*)::int as n from message_raw_chunk where tenant_id = $1',
      values: [tenantId],
    })
    expect(rows).toEqual([{ n: 100 }])
  })

  async function crash(tenantId: string, failpoint: string): Promise<string> {
    const script = new URL('../../test/crash-submit.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [script, db.url, tenantId, failpoint], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (piece) => {
      said += String(piece)
    })
    const [, signal] = await once(child, 'close')
    return said.trim() || String(signal)
  }

  async function leftBehind(tenantId: string): Promise<Record<string, number>> {
    const tables = ['message', 'message_content', 'message_raw_chunk', 'recipient', 'outbox', 'idempotency']
    const counts: Record<string, number> = {}
    for (const table of tables) {
      const { rows } = await db.pool.query<{ n: number }>({
        text: `select count(*)::int as n from ${table} where tenant_id = $1`,
        values: [tenantId],
      })
      counts[table] = rows[0]?.n ?? 0
    }
    return counts
  }

  test('is stored completely or not at all, wherever its process is killed', async () => {
    const tenantId = await buildTenant(db.pool)
    const none = {
      message: 0,
      message_content: 0,
      message_raw_chunk: 0,
      recipient: 0,
      outbox: 0,
      idempotency: 0,
    }
    expect(await crash(tenantId, 'inside_accept:kill9')).toBe('SIGKILL')
    expect(await leftBehind(tenantId)).toEqual(none)
    expect(await crash(tenantId, 'after_commit_before_reply:kill9')).toBe('SIGKILL')
    const all = {
      message: 301,
      message_content: 301,
      message_raw_chunk: 2,
      recipient: 301,
      outbox: 301,
      idempotency: 1,
    }
    expect(await leftBehind(tenantId)).toEqual(all)
    expect(await crash(tenantId, '')).toBe('replayed')
    expect(await leftBehind(tenantId)).toEqual(all)
  })
})
