import { createHmac } from 'node:crypto'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { updateSmtpCredential } from '@lettergate/core/smtp-credentials'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectRaw, type RawClient } from '../../test/raw-client.ts'
import { type Login, startTestSmtp, type TestSmtp } from '../../test/smtp.ts'

let smtp: TestSmtp
let login: Login
beforeAll(async () => {
  smtp = await startTestSmtp()
  login = await smtp.addLogin()
})
afterAll(() => smtp.close())

const port = () => smtp.server.ports.starttls ?? 0
const base64 = (text: string) => Buffer.from(text).toString('base64')

async function connectSecure(to = port()): Promise<RawClient> {
  const client = await connectRaw(to)
  await client.read()
  await client.ask('EHLO test')
  await client.ask('STARTTLS')
  await client.upgrade()
  await client.ask('EHLO test')
  return client
}
/** A server that has counted no wrong login yet: each lets the next one wait longer. */
const freshPort = async () => (await smtp.start()).ports.starttls ?? 0
const authPlain = (client: RawClient, user: string, password: string) =>
  client.ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`)

async function authCram(client: RawClient, user: string, password: string): Promise<string> {
  const challenge = Buffer.from((await client.ask('AUTH CRAM-MD5')).slice(4), 'base64').toString()
  return client.ask(base64(`${user} ${createHmac('md5', password).update(challenge).digest('hex')}`))
}

/** A session that may send. */
async function ready(who: Login = login, to = port()): Promise<RawClient> {
  const client = await connectSecure(to)
  expect(await authPlain(client, who.username, who.secret)).toMatch(/^235/)
  return client
}

async function send(
  client: RawClient,
  lines: string[],
  { recipients = ['bob@example.net'], from = 'app@acme.example' } = {},
): Promise<string> {
  expect(await client.ask(`MAIL FROM:<${from}>`)).toMatch(/^250/)
  for (const one of recipients) expect(await client.ask(`RCPT TO:<${one}>`)).toMatch(/^250/)
  expect(await client.ask('DATA')).toMatch(/^354/)
  return client.ask([...lines, '.'].join('\r\n'))
}

const head = ['From: Ann <app@acme.example>', 'To: bob@example.net', 'Subject: Hello']
const idOf = (answer: string) => /^250 2\.0\.0 Ok: queued as (msg_\w{26})$/.exec(answer)?.[1]

async function stored(publicId: string | undefined) {
  const { rows } = await smtp.db.pool.query<{
    id: string
    mode: string
    subject: string
    tags: string[]
    stream: string
    metadata: unknown
    send_at: Date | null
    recipients: string[]
  }>({
    text: `select m.id, m.mode, m.subject, m.tags, m.stream, m.metadata, m.send_at,
                  (select array_agg(r.kind || ' ' || r.address order by r.kind, r.address) from recipient r where r.message_id = m.id) as recipients
           from message m where m.tenant_id = $1`,
    values: [smtp.tenantId],
  })
  return rows.find(({ id }) => toPublicId('msg', id) === publicId)
}
async function count(): Promise<number> {
  const { rows } = await smtp.db.pool.query<{ n: number }>('select count(*)::int as n from message')
  return rows[0]?.n ?? 0
}

describe('a login', () => {
  test('with a credential works by every mechanism, and with a key by PLAIN', async () => {
    expect(await authCram(await connectSecure(), login.username, login.secret)).toMatch(/^235/)
    expect(await authPlain(await connectSecure(), login.username, login.secret)).toMatch(/^235/)
    expect(await authPlain(await connectSecure(), 'anything', smtp.liveKey)).toMatch(/^235/)
  })

  test('is refused with the same words for a wrong password and for a user that does not exist', async () => {
    const to = await freshPort()
    const nobody = 'lgu_01m7wa5yjwe1qr5m7w1gzh99cc'
    const answers = [
      await authPlain(await connectSecure(to), login.username, 'x'.repeat(32)),
      await authPlain(await connectSecure(to), nobody, login.secret),
      await authCram(await connectSecure(to), login.username, 'x'.repeat(32)),
      await authCram(await connectSecure(to), nobody, login.secret),
    ]
    expect(new Set(answers)).toEqual(
      new Set(['535 5.7.8 The user name or the password is wrong, or the login was revoked']),
    )
  })

  test('says why a key cannot log in by CRAM-MD5, without a scope, or for another user', async () => {
    const to = await freshPort()
    const byProof = await authCram(await connectSecure(to), 'apikey', smtp.liveKey)
    expect(byProof).toMatch(/^535 5\.7\.8 .*PLAIN or LOGIN/)
    const reader = await smtp.addKey(['messages:read'])
    expect(await authPlain(await connectSecure(to), 'apikey', reader)).toMatch(/^535 5\.7\.8 .*scope/)
    const client = await connectSecure(to)
    expect(await client.ask(`AUTH PLAIN ${base64(`root\0${login.username}\0${login.secret}`)}`)).toMatch(
      /^535 5\.7\.8 .*another user/,
    )
  })

  test('works from its networks alone', async () => {
    const to = await freshPort()
    const far = await smtp.addLogin({ networks: ['203.0.113.0/24'] })
    const refused = await authPlain(await connectSecure(to), far.username, far.secret)
    expect(refused).toMatch(/^535 5\.7\.8 .*address/)
    const near = await smtp.addLogin({ networks: ['127.0.0.0/8', '::1'] })
    await ready(near, to)
  })

  test('with a key keeps to the networks and the domains of the key', async () => {
    const to = await freshPort()
    const bind = async (columns: string) => {
      const key = await smtp.addKey(['messages:send'])
      await smtp.db.pool.query(
        `update api_key set ${columns} where id = (select id from api_key order by created_at desc limit 1)`,
      )
      return key
    }
    const far = await bind(`networks = '{203.0.113.0/24}'`)
    expect(await authPlain(await connectSecure(to), 'apikey', far)).toMatch(/^535 5\.7\.8 .*address/)
    const client = await connectSecure(to)
    const bound = await bind(`from_domains = '{*.acme.example}'`)
    expect(await authPlain(client, 'apikey', bound)).toMatch(/^235/)
    expect(await send(client, [...head, '', 'Hi'])).toMatch(/^550.5\.7\.1 .*may not send as acme\.example/)
    const below = ['From: app@mail.acme.example', ...head.slice(1)]
    expect(await send(client, [...below, '', 'Hi'])).toMatch(/^250/)
  })

  test('is put off, not refused, while the database is away', async () => {
    const server = await smtp.start({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' })
    const client = await connectSecure(server.ports.starttls)
    expect(await authPlain(client, login.username, login.secret)).toMatch(/^454 4\.7\.0/)
  })
})

// Both wait for a login that the server keeps for seconds.
describe.concurrent('a login', () => {
  test('of a suspended tenant is put off until the tenant is resumed', async ({ expect }) => {
    await using own = await startTestSmtp()
    const change = (reason: string | null) =>
      own.db.pool.query({
        text: 'update tenant set suspended_at = case when $2::text is not null then now() end, suspended_reason = $2 where id = $1',
        values: [own.tenantId, reason],
      })
    await change('too many complaints')
    const by = async (user: string, secret: string) =>
      authPlain(await connectSecure(own.server.ports.starttls), user, secret)
    const key = await own.addKey(['messages:send'])
    const fresh = await own.addLogin()
    expect(await by('apikey', key)).toMatch(/^454/)
    expect(await by(fresh.username, fresh.secret)).toMatch(/^454/)
    await change(null)
    await expect.poll(() => by('apikey', key), { timeout: 20_000 }).toMatch(/^235/)
    await expect.poll(() => by(fresh.username, fresh.secret), { timeout: 20_000 }).toMatch(/^235/)
  })

  test('that is revoked ends open sessions at their next mail, and lets nobody in', async ({ expect }) => {
    const to = await freshPort()
    const own = await smtp.addLogin()
    const client = await ready(own, to)
    await updateSmtpCredential(smtp.db, { tenantId: smtp.tenantId, mode: 'live' }, own.id, { revoked: true })
    const again = async () => authPlain(await connectSecure(to), own.username, own.secret)
    await expect.poll(again, { timeout: 20_000 }).toMatch(/^535/)
    expect(await client.ask('MAIL FROM:<a@acme.example>')).toMatch(/^421 4\.7\.0/)
  })
})

describe('a mail', () => {
  test('is committed before its 250, which names it, with hidden recipients of the envelope', async () => {
    const client = await ready()
    const answer = await send(client, [...head, 'Cc: c@example.net', 'Bcc: hidden@example.net', '', 'Hi'], {
      recipients: ['bob@example.net', 'c@example.net', 'hidden@example.net'],
    })
    expect(await stored(idOf(answer))).toMatchObject({
      mode: 'live',
      subject: 'Hello',
      recipients: ['bcc hidden@example.net', 'cc c@example.net', 'to bob@example.net'],
    })
  })

  test('keeps what its client asked for about reports, for each recipient', async () => {
    const client = await ready()
    await client.ask('MAIL FROM:<app@acme.example> RET=HDRS ENVID=order+2017')
    await client.ask('RCPT TO:<bob@EXAMPLE.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;old@example.org')
    await client.ask('RCPT TO:<c@example.net> NOTIFY=NEVER')
    await client.ask('RCPT TO:<d@example.net>')
    await client.ask('DATA')
    const id = fromPublicId('msg', idOf(await client.ask([...head, '', 'Hi', '.'].join('\r\n'))) ?? '')
    const { rows } = await smtp.db.pool.query({
      text: `select document->'dsn' as dsn from message_content where message_id = $1`,
      values: [id],
    })
    expect(rows).toEqual([
      {
        dsn: {
          ret: 'HDRS',
          envid: 'order 17',
          recipients: {
            'bob@example.net': { notify: ['SUCCESS', 'FAILURE'], orcpt: 'rfc822;old@example.org' },
            'c@example.net': { notify: ['NEVER'] },
          },
        },
      },
    ])
  })

  test.each([
    'MAIL FROM:<app@acme.example> ENVID=a+0D+0Ab',
    `MAIL FROM:<app@acme.example> ENVID=${'x'.repeat(101)}`,
    'MAIL FROM:<app@acme.example> ENVID=Gr\u00fc\u00dfe',
    'MAIL FROM:<app@acme.example> RET=ALL',
  ])('is refused for a wish that other servers could not read: %s', async (command) => {
    expect(await (await ready()).ask(command)).toMatch(/^501/)
  })

  test('of a test login is a test message', async () => {
    const answer = await send(await ready(await smtp.addLogin({ mode: 'test' })), [...head, '', 'Hi'])
    expect(await stored(idOf(answer))).toMatchObject({ mode: 'test' })
  })

  test('takes orders from its fields', async () => {
    const sendAt = new Date(Date.now() + 3_600_000)
    const answer = await send(await ready(), [
      ...head,
      'X-LG-Tag: receipt, shop',
      'X-LG-Tag: eu',
      'X-LG-Metadata: {"order": "1234",',
      ' "customer": "7"}',
      'X-LG-Stream: bulk',
      `X-LG-Send-At: ${sendAt.toISOString()}`,
      '',
      'Hi',
    ])
    expect(await stored(idOf(answer))).toMatchObject({
      tags: ['receipt', 'shop', 'eu'],
      stream: 'bulk',
      metadata: { order: '1234', customer: '7' },
      send_at: sendAt,
    })
  })

  test.each([
    ['X-LG-Tag: a b', /X-LG-Tag/],
    ['X-LG-Metadata: [1]', /X-LG-Metadata is no JSON object/],
    ['X-LG-Stream: fast', /X-LG-Stream is neither/],
    ['X-LG-Send-At: tomorrow', /X-LG-Send-At/],
    ['X-LG-Colour: blue', /X-LG-Colour is no field/],
    ['X-LG-Connection: con_0', /connections/],
  ])('with a wrong order is refused, with the reason and the page: %s', async (field, reason) => {
    const answer = await send(await ready(), [...head, field, '', 'Hi'])
    expect(answer).toMatch(/^550-5\.\d\.\d .*\r\n550 5\.\d\.\d See https:\/\/gateway\.test\/problems\//)
    expect(answer).toMatch(reason)
  })

  test.each([
    ['without an author', ['To: b@example.net', '', 'Hi'], /^550.5\.6\.0 The mail has no From/],
    ['with two authors', ['From: a@b.example', 'From: c@d.example', '', 'Hi'], /^550.5\.6\.0/],
    ['with two subjects', [...head, 'Subject: x', '', 'Hi'], /^550.5\.6\.0/],
    ['with a line that is no field', [...head, 'hello', '', 'Hi'], /^550.5\.6\.0/],
    [
      'that goes round in a circle',
      [...Array.from({ length: 51 }, () => 'Received: x'), ...head, '', 'Hi'],
      /^554 5\.4\.6/,
    ],
  ])('%s is refused as that, not as an unknown mailbox', async (_what, lines, answer) => {
    const before = await count()
    expect(await send(await ready(), lines)).toMatch(answer)
    expect(await count()).toBe(before)
  })

  test('whose From is of another domain than the login may use is refused', async () => {
    const client = await ready(await smtp.addLogin({ from_domains: ['acme.example'] }))
    expect(idOf(await send(client, [...head, '', 'Hi']))).toBeDefined()
    expect(await send(client, ['From: a@other.example', '', 'Hi'])).toMatch(
      /^550-5\.7\.1 This login may not send as other\.example.*\r\n550 5\.7\.1 See .*sender-not-allowed$/,
    )
  })
})

describe('a repeat', () => {
  const repeated = [...head, 'Message-ID: <one@acme.example>', '', 'Hi']

  test('of a Message-ID with the same envelope and content is the same message', async () => {
    const first = await send(await ready(), repeated)
    const again = await send(await ready(), ['Received: by other.example', ...repeated])
    expect(idOf(first)).toBeDefined()
    expect(again).toBe(first)
  })

  test('to other recipients, or with other content, is another message', async () => {
    const client = await ready()
    const answers = [
      await send(client, repeated),
      await send(client, repeated, { recipients: ['carol@example.net'] }),
      await send(client, [...repeated, 'more']),
    ]
    expect(new Set(answers.map(idOf)).size).toBe(3)
  })

  test('of X-LG-Idempotency-Key is the same message; with other content it is refused', async () => {
    const client = await ready()
    const keyed = [...head, 'X-LG-Idempotency-Key: order-1', '', 'Hi']
    const first = await send(client, keyed)
    expect(await send(client, keyed)).toBe(first)
    expect(await send(client, [...keyed, 'more'])).toMatch(/^550.5\.5\.4/)
  })
})

test('a quota that is used up is a 452, and a database that is away a 451: the client keeps the mail', async () => {
  const poor = await startTestSmtp({ dailyLimit: 1 })
  try {
    const own = await poor.addLogin()
    const client = await ready(own, poor.server.ports.starttls)
    expect(idOf(await send(client, [...head, '', 'Hi']))).toBeDefined()
    expect(await send(client, [...head, '', 'Hi'])).toMatch(
      /^452-4\.2\.2 .*\r\n452 4\.2\.2 See .*quota-exceeded$/,
    )
    await poor.db.pool.query('alter table message rename to message_away')
    expect(await send(client, [...head, '', 'Hi'])).toMatch(/^451/)
    await poor.db.pool.query('alter table message_away rename to message')
  } finally {
    await poor.close()
  }
})

test('a port without AUTH takes mail of its networks for its tenant, and of nobody else', async () => {
  const tenant = toPublicId('ten', smtp.tenantId)
  const near = await smtp.start({ config: { open: { port: 0, tenant, networks: ['127.0.0.1'] } } })
  const client = await connectRaw(near.ports.open ?? 0)
  await client.read()
  expect(await client.ask('EHLO a')).not.toContain('AUTH')
  expect(await stored(idOf(await send(client, [...head, '', 'Hi'])))).toMatchObject({ mode: 'live' })
  const far = await smtp.start({ config: { open: { port: 0, tenant, networks: ['203.0.113.0/24'] } } })
  const stranger = await connectRaw(far.ports.open ?? 0)
  expect(await stranger.read()).toMatch(/^554 5\.7\.1/)
})

test('sessions of one tenant leave places for others', async () => {
  const server = await smtp.start({ config: { connectionsMax: 4 } })
  const first = await ready(login, server.ports.starttls)
  await ready(login, server.ports.starttls)
  const third = await connectSecure(server.ports.starttls)
  expect(await authPlain(third, login.username, login.secret)).toMatch(/^421 4\.7\.0/)
  first.close()
  await expect
    .poll(async () => authPlain(await connectSecure(server.ports.starttls), login.username, login.secret))
    .toMatch(/^235/)
})

test('nodemailer sends by every port, with dots, 8-bit text and files', async () => {
  const auth = { user: login.username, pass: login.secret }
  const ways = [
    { port: port(), secure: false, requireTLS: true, auth },
    { port: smtp.server.ports.tls ?? 0, secure: true, auth },
    { port: port(), secure: false, ignoreTLS: true, auth, authMethod: 'CRAM-MD5' },
    { port: port(), secure: false, requireTLS: true, auth: { user: 'key', pass: smtp.liveKey } },
  ]
  for (const way of ways) {
    const transport = createTransport({ host: '127.0.0.1', tls: { rejectUnauthorized: false }, ...way })
    const info: { response: string } = await transport.sendMail({
      from: 'app@acme.example',
      to: 'Bob <bob@example.net>',
      bcc: 'hidden@example.net',
      subject: 'Grüße',
      text: '.one\n..two\nöüß\n',
      attachments: [{ filename: 'a.bin', content: Buffer.alloc(200_000, 7) }],
    })
    expect(await stored(idOf(info.response))).toMatchObject({
      subject: 'Grüße',
      recipients: ['bcc hidden@example.net', 'to bob@example.net'],
    })
    transport.close()
  }
})

test('what was used is noted, and nothing went wrong', async () => {
  await smtp.server.stop(0)
  const { rows } = await smtp.db.pool.query({
    text: 'select last_used_at from smtp_credential where id = $1',
    values: [login.id],
  })
  expect(rows).toEqual([{ last_used_at: expect.any(Date) }])
  const unexpected = smtp.errors.filter((error) => !/connect ECONNREFUSED|login/.test(String(error)))
  expect(unexpected).toEqual([])
})
