import { createSecretKey } from 'node:crypto'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { INBOUND_DOMAIN, mailOf, ownKey, plainMail, useInboundBed } from '../../test/inbound-bed.ts'
import { buildSent, stateOfSent } from '../../test/sent-message.ts'
import { makeOwnAddress } from '../lib/index.ts'
import { readDefaultSecret } from '../webhooks/index.ts'
import { createMailbox } from './mailboxes.ts'
import {
  deleteInbound,
  listInbound,
  readInbound,
  readInboundFile,
  readRawInbound,
  replayInbound,
} from './messages.ts'

const { db, receive, startProcessor, startSender, playReceiver, begin } = useInboundBed()
const cursorKey = { sign: createSecretKey(Buffer.alloc(32, 1)) }

async function processed(owner: { tenantId: string; mode: 'live' | 'test' }, id: string) {
  return eventually(async () => {
    const info = await readInbound({ tenants: db().tenants }, owner, id)
    return info.state === 'waiting' ? undefined : info
  })
}

const suppressedOf = async (tenantId: string) =>
  (
    await db().pool.query({
      text: 'select address from suppression where tenant_id = $1',
      values: [tenantId],
    })
  ).rows

const withFile = mailOf(
  'From: =?utf-8?q?J=C3=BCrgen?= <j@acme.example>',
  'To: support@app.example',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Message-ID: <2@acme.example>',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=C3=B6n',
  '--b',
  'Content-Type: application/pdf; name=a.pdf',
  'Content-Disposition: attachment; filename=a.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('%PDF-1').toString('base64'),
  '--b--',
)

describe('a mail that was received', () => {
  test('is posted to the URL of its route, signed, with what it says and its files', async () => {
    const receiver = await playReceiver()
    const { owner, deps, address, route } = await begin([
      { type: 'post', url: receiver.url, format: 'standard' },
    ])
    startProcessor()
    startSender()
    const { id } = await receive([address], withFile)
    const [got] = await eventually(async () => (receiver.got.length > 0 ? receiver.got : undefined))
    const { secrets } = await readDefaultSecret(deps, owner)
    new Webhook(secrets[0]?.secret ?? '').verify(got?.text ?? '', got?.headers ?? {})
    expect(JSON.parse(got?.text ?? '')).toMatchObject({
      type: 'inbound.received',
      data: {
        id: toPublicId('inb', id),
        route: toPublicId('inr', route.id),
        recipient: address,
        sender: 'ann@acme.example',
        subject: 'Grüße',
        from: [{ name: 'Jürgen', address: 'j@acme.example' }],
        text: 'Schön',
        attachments: [
          {
            number: 0,
            filename: 'a.pdf',
            content_type: 'application/pdf',
            content: Buffer.from('%PDF-1').toString('base64'),
          },
        ],
        authentication: { spf: { result: 'none' }, dmarc: { result: 'none' } },
        auto: null,
        parse_error: null,
      },
    })
    const info = await eventually(async () => {
      const one = await readInbound({ tenants: db().tenants }, owner, id)
      return one.actions[0]?.state === 'done' ? one : undefined
    })
    expect(info.actions).toMatchObject([
      { type: 'post', detail: receiver.url, attempts: [{ number: 1, status: 200 }] },
    ])
  })

  test('is called for again when the URL failed, and 406 ends it', async () => {
    const receiver = await playReceiver()
    receiver.state.answer = (response) => void response.writeHead(500).end()
    const { owner, tenantId, address } = await begin([{ type: 'post', url: receiver.url, format: 'mailgun' }])
    startProcessor()
    startSender()
    const { id } = await receive([address])
    await eventually(async () => (receiver.got.length > 0 ? true : undefined))
    receiver.state.answer = (response) => void response.writeHead(406).end()
    const due = `update delivery set due_at = now() where tenant_id = $1 and state = 'waiting'`
    await eventually(async () => {
      await db().pool.query({ text: due, values: [tenantId] })
      return receiver.got.length > 1 ? true : undefined
    })
    const info = await eventually(async () => {
      const one = await readInbound({ tenants: db().tenants }, owner, id)
      return one.actions[0]?.state === 'failed' ? one : undefined
    })
    expect(info.actions[0]?.attempts.map(({ status }) => status)).toEqual([500, 406])
    // The event follows the record of the last call.
    const types = await eventually(async () => {
      const { rows } = await db().pool.query<{ type: string }>({
        text: 'select type from account_event where tenant_id = $1 order by seq',
        values: [tenantId],
      })
      return rows.length > 1 ? rows.map(({ type }) => type) : undefined
    })
    expect(types).toEqual(['inbound.received', 'inbound.failed'])
    const fields = new URLSearchParams(receiver.got[1]?.text)
    expect(Object.fromEntries(fields)).toMatchObject({
      recipient: address,
      'body-plain': 'Hi there\r\n',
      subject: 'Hello',
    })
  })

  test('is kept in a mailbox, listed, read as it came, and deleted', async () => {
    const { owner, deps, route, token } = await begin([{ type: 'drop' }])
    const mailbox = await createMailbox(deps, owner, { name: 'In' })
    await db().pool.query({
      text: 'update inbound_route set actions = $2 where id = $1',
      values: [route.id, JSON.stringify([{ type: 'store', mailbox_id: mailbox.id }])],
    })
    const address = `x@${token}.${INBOUND_DOMAIN}`
    startProcessor()
    const { id } = await receive([address], withFile)
    await processed(owner, id)
    const tenants = { tenants: db().tenants }
    const { mails } = await listInbound({ ...tenants, cursorKey }, owner, {
      mailboxId: mailbox.id,
      unread: true,
      limit: 10,
    })
    expect(mails).toMatchObject([{ id, subject: 'Grüße', mailboxId: mailbox.id, readAt: null }])
    expect(await readRawInbound(tenants, owner, id, () => {})).toEqual(withFile)
    const { bytes } = await readInboundFile(tenants, owner, { id, number: 0 }, () => {})
    expect(bytes.toString()).toBe('%PDF-1')
    await deleteInbound(tenants, owner, id)
    await expect(readInbound(tenants, owner, id)).rejects.toMatchObject({ code: 'not-found' })
    const left = await db().pool.query({
      text: 'select from inbound_raw where tenant_id = $1',
      values: [owner.tenantId],
    })
    expect(left.rowCount).toBe(0)
  })

  test('is stored once for its recipient, however often the same bytes come', async () => {
    const { owner, address } = await begin([{ type: 'drop' }])
    const first = await receive([address])
    const second = await receive([address])
    expect([first.isRepeat, second.isRepeat]).toEqual([false, true])
    const rows = await db().pool.query({
      text: 'select id from inbound_message where tenant_id = $1',
      values: [owner.tenantId],
    })
    expect(rows.rows).toEqual([{ id: first.id }])
  })

  test('is forwarded as it came, with a return path of ours, once', async () => {
    const { owner, address } = await begin([
      { type: 'forward', to: ['team@example.net', 'boss@example.net'] },
    ])
    startProcessor()
    const { id } = await receive([address])
    const { actions } = await processed(owner, id)
    expect(actions).toMatchObject([
      { type: 'forward', state: 'done', message_id: expect.stringMatching(/^msg_/) },
    ])
    const sent = await db().pool.query<{ raw: Buffer; document: { return_path: string }; address: string }>({
      text: `select w.content as raw, c.document, r.address from message_content c join recipient r using (tenant_id, message_id)
             join message_raw_chunk w using (tenant_id, message_id)
             where c.tenant_id = $1 order by r.address`,
      values: [owner.tenantId],
    })
    expect(sent.rows.map((row) => row.address)).toEqual(['boss@example.net', 'team@example.net'])
    for (const { raw, document } of sent.rows) {
      expect(raw.toString()).toMatch(/^Delivered-To: hello\+.*\r\nReceived: from mx\.acme\.example/)
      expect(raw.toString()).toContain('\r\nAuthentication-Results: in.gateway.example;')
      expect(raw.toString().endsWith(plainMail.toString())).toBe(true)
      expect(document.return_path).toMatch(/^b\+[0-9a-z]{41}@in\.gateway\.example$/)
    }
  })

  test('is acted on again when somebody asks for it', async () => {
    const { owner, address } = await begin([{ type: 'forward', to: ['team@example.net'] }])
    startProcessor()
    const { id } = await receive([address])
    const first = await processed(owner, id)
    await replayInbound({ tenants: db().tenants }, owner, id)
    const second = await eventually(async () => {
      const one = await readInbound({ tenants: db().tenants }, owner, id)
      return one.state === 'done' && one.actions[0]?.message_id !== first.actions[0]?.message_id
        ? one
        : undefined
    })
    expect(second.actions[0]?.state).toBe('done')
  })
})

const dsn = (id: string, status = '5.1.1') =>
  mailOf(
    'From: MAILER-DAEMON@mx.example.net',
    'To: b@gateway.example',
    'Subject: Undelivered',
    'Auto-Submitted: auto-replied',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'It did not work.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    '',
    `Final-Recipient: rfc822; elsewhere@example.net`,
    'Action: failed',
    `Status: ${status}`,
    `Diagnostic-Code: smtp; 550 ${status} no such user`,
    '',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    `Message-ID: <${id}@x.example>`,
    '--b--',
  )

describe('mail to an address of ours', () => {
  const bounceAddress = (messageId: string, position = 0) =>
    makeOwnAddress(ownKey, { purpose: 'bounce', messageId, position }, INBOUND_DOMAIN)

  test('a delivery report makes the recipient that the address names bounced, whatever address it names', async () => {
    const sent = await buildSent(db().pool, ['one@example.net', 'two@example.net'])
    startProcessor()
    await receive([bounceAddress(sent.id, 1).toUpperCase()], dsn('other'), { sender: '' })
    await eventually(async () => {
      const { statuses } = await stateOfSent(db().pool, sent.id)
      return statuses[1] === 'bounced' ? true : undefined
    })
    expect(await stateOfSent(db().pool, sent.id)).toEqual({
      statuses: ['sent', 'bounced'],
      events: ['recipient.bounced'],
    })
    expect(await suppressedOf(sent.tenantId)).toEqual([{ address: 'two@example.net' }])
  })

  test('a bounce in no known form counts, and suppresses nobody', async () => {
    const sent = await buildSent(db().pool)
    startProcessor()
    const { id } = await receive(
      [bounceAddress(sent.id)],
      mailOf('From: x@y.example', 'Subject: oh', '', 'Nope.'),
      { sender: '' },
    )
    await processed({ tenantId: sent.tenantId, mode: 'live' }, id)
    expect(await stateOfSent(db().pool, sent.id)).toEqual({
      statuses: ['bounced'],
      events: ['recipient.bounced'],
    })
    expect(await suppressedOf(sent.tenantId)).toEqual([])
  })

  test.each([
    ['a vacation note', { sender: '' }, ['Auto-Submitted: auto-replied', 'Subject: I am away']],
    ['a person who writes to it', { sender: 'x@y.example' }, ['Subject: Hello']],
  ])('%s changes nothing', async (_what, of, head) => {
    const sent = await buildSent(db().pool)
    startProcessor()
    const { id } = await receive(
      [bounceAddress(sent.id)],
      mailOf('From: x@y.example', ...head, '', 'Bye.'),
      of,
    )
    await processed({ tenantId: sent.tenantId, mode: 'live' }, id)
    expect(await stateOfSent(db().pool, sent.id)).toEqual({ statuses: ['sent'], events: [] })
  })

  test('a reply is an event of its recipient, and one by a machine is none', async () => {
    const sent = await buildSent(db().pool)
    const address = makeOwnAddress(
      ownKey,
      { purpose: 'reply', messageId: sent.id, position: 0 },
      INBOUND_DOMAIN,
    )
    startProcessor()
    const owner = { tenantId: sent.tenantId, mode: 'live' as const }
    const auto = await receive(
      [address],
      mailOf('From: u@example.net', 'Auto-Submitted: auto-replied', '', 'Away.'),
    )
    await processed(owner, auto.id)
    expect((await stateOfSent(db().pool, sent.id)).events).toEqual([])
    const { id } = await receive([address], mailOf('From: u@example.net', 'Subject: Re', '', 'Yes.'))
    await processed(owner, id)
    expect((await stateOfSent(db().pool, sent.id)).events).toEqual(['recipient.replied'])
  })

  test('a reply of one of several recipients is the event of that one, and goes to the route for reply', async () => {
    const { tenantId, owner, route } = await begin([{ type: 'drop' }], { kind: 'address', value: 'reply' })
    const sent = await buildSent(db().pool, ['one@example.net', 'two@example.net'], { tenantId })
    const address = makeOwnAddress(
      ownKey,
      { purpose: 'reply', messageId: sent.id, position: 0 },
      INBOUND_DOMAIN,
    )
    startProcessor()
    const { id } = await receive([address], mailOf('From: Two@example.net', '', 'Yes.'))
    const info = await processed(owner, id)
    expect([info.routeId, info.actions.map(({ type }) => type)]).toEqual([route.id, ['reply', 'drop']])
    const events = await db().pool.query({
      text: 'select position, type from event where message_id = $1',
      values: [sent.id],
    })
    expect(events.rows).toEqual([{ position: 1, type: 'recipient.replied' }])
  })

  test('an answer to an address of the tenant names its message by In-Reply-To', async () => {
    const { tenantId, owner, address } = await begin([{ type: 'drop' }])
    const sent = await buildSent(db().pool, ['user@example.net'], { tenantId })
    startProcessor()
    const reference = `<${toPublicId('msg', sent.id)}@acme.example>`
    const answer = (from: string) => mailOf(`From: ${from}`, `In-Reply-To: ${reference}`, '', 'Yes.')
    const other = await receive([address], answer('stranger@example.net'))
    await processed(owner, other.id)
    expect((await stateOfSent(db().pool, sent.id)).events).toEqual([])
    const { id } = await receive([address], answer('User@example.net'))
    await processed(owner, id)
    expect((await stateOfSent(db().pool, sent.id)).events).toEqual(['recipient.replied'])
  })
})

describe('a worker that dies', () => {
  test.each(['after_inbound_read', 'after_inbound_act_before_record', 'after_inbound_record'])(
    'at %s leaves a mail that is acted on once',
    async (place) => {
      const receiver = await playReceiver()
      const { owner, tenantId, address } = await begin([
        { type: 'post', url: receiver.url, format: 'standard' },
        { type: 'forward', to: ['team@example.net'] },
      ])
      let deaths = 0
      startProcessor((name) => {
        if (name === place && deaths++ === 0) throw new Error('failpoint')
      })
      const { id } = await receive([address])
      await eventually(async () => {
        await db().pool.query({
          text: 'update inbound_due set due_at = now() where tenant_id = $1',
          values: [tenantId],
        })
        const info = await readInbound({ tenants: db().tenants }, owner, id)
        return deaths > 0 && info.state === 'done' ? info : undefined
      })
      const counted = await db().pool.query<{ deliveries: number; messages: number }>({
        text: `select (select count(*)::int4 from delivery where tenant_id = $1) as deliveries,
                      (select count(*)::int4 from message where tenant_id = $1) as messages`,
        values: [tenantId],
      })
      expect(counted.rows).toEqual([{ deliveries: 1, messages: 1 }])
    },
  )

  test('before the sending server had its answer leaves one mail', async () => {
    const { tenantId, address } = await begin([{ type: 'drop' }])
    const failpoint = () => {
      throw new Error('failpoint')
    }
    await expect(receive([address], plainMail, { failpoint })).rejects.toThrow('failpoint')
    expect(await receive([address])).toMatchObject({ isRepeat: true })
    const rows = await db().pool.query({
      text: 'select from inbound_message where tenant_id = $1',
      values: [tenantId],
    })
    expect(rows.rowCount).toBe(1)
  })
})
