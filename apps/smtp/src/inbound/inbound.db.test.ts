import { createSecretKey } from 'node:crypto'
import { createInboundRoute, type InboundDeps, readTenantToken } from '@lettergate/core/inbound'
import { makeOwnAddress, noFailpoint } from '@lettergate/core/lib'
import { createSealer } from '@lettergate/core/secrets'
import { createListener } from '@lettergate/db/listener'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { newId } from '@lettergate/db/test/ids'
import { createEgress } from '@lettergate/egress/egress'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificate } from '../../test/listener.ts'
import { connectRaw } from '../../test/raw-client.ts'
import { createMemory } from '../session/memory.ts'
import { type OpenInbound, openInbound } from './open-inbound.ts'

const DOMAIN = 'in.gateway.example'
const key = createSecretKey(Buffer.alloc(32, 9))
let db: TestDatabase
let inbound: OpenInbound
let listener: ReturnType<typeof createListener>
let deps: InboundDeps
const cleanups: (() => Promise<unknown> | unknown)[] = []
const errors: unknown[] = []
const onError = (error: unknown) => void errors.push(error)

beforeAll(async () => {
  db = await createTestDatabase()
  const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(Buffer.alloc(32, 7)) })
  const egress = createEgress({ allow: [] })
  listener = createListener({ url: db.url, onError })
  cleanups.push(
    () => sealer.close(),
    () => listener.close(),
    () => egress.close(),
  )
  deps = {
    prisma: db.prisma,
    tenants: db.tenants,
    sealer,
    egress,
    db: db.pool,
    inboundDomain: DOMAIN,
    onError,
  }
})
afterAll(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
  await db.drop()
})
beforeEach(async () => {
  errors.length = 0
  inbound = await open()
})
afterEach(async () => {
  await inbound.stop(1_000)
  expect(errors).toEqual([])
})

const open = (change: Partial<Parameters<typeof openInbound>[0]> = {}) =>
  openInbound({
    pool: db.batch,
    listener,
    hostName: 'mx.gateway.example',
    inboundDomain: DOMAIN,
    keys: [key],
    host: '127.0.0.1',
    port: 0,
    certificate,
    memory: createMemory(100_000_000),
    failpoint: noFailpoint,
    onReceived: () => {},
    onError,
    ...change,
  })

async function begin() {
  const tenantId = newId()
  await db.pool.query({
    text: `insert into tenant (id, name, plan, daily_limit) values ($1, 'T', 'standard', 1000)`,
    values: [tenantId],
  })
  const owner = { tenantId, mode: 'live' as const }
  const match = { kind: 'address' as const, value: 'support' }
  const actions = [{ type: 'drop' as const }]
  const route = await createInboundRoute(deps, owner, {
    name: 'S',
    position: 1,
    domain: null,
    match,
    actions,
    enabled: true,
  })
  const token = await readTenantToken(deps, owner)
  return { tenantId, owner, route, token, address: `support+${token}@${DOMAIN}` }
}

/** Sends a mail as a server does, with STARTTLS; rejects with the first reply that is no success. */
async function send(
  to: string | string[],
  raw = 'From: a@acme.test\r\nSubject: Hi\r\n\r\nHello\r\n',
  from = 'a@acme.test',
): Promise<string> {
  const client = await connectRaw(inbound.port)
  const ask = async (line: string) => {
    const answer = await client.ask(line)
    if (!/^[23]/.test(answer)) throw new Error(answer)
    return answer
  }
  try {
    await client.read()
    await ask('EHLO mx.acme.test')
    await ask('STARTTLS')
    await client.upgrade()
    await ask('EHLO mx.acme.test')
    await ask(`MAIL FROM:<${from}>`)
    for (const address of [to].flat()) await ask(`RCPT TO:<${address}>`)
    await ask('DATA')
    return await ask(`${raw}.`)
  } finally {
    client.close()
  }
}

const stored = async (tenantId: string) =>
  (
    await db.pool.query<{ recipient: string; is_tls: boolean; helo: string; raw: Buffer }>({
      text: `select m.recipient, m.is_tls, m.helo, r.raw from inbound_message m join inbound_raw r on r.tenant_id = m.tenant_id and r.id = m.raw_id
             where m.tenant_id = $1`,
      values: [tenantId],
    })
  ).rows

describe('the port for inbound mail', () => {
  test('takes a mail by TLS, and says 250 with its id after it is stored', async () => {
    const { tenantId, address } = await begin()
    expect(await send(address)).toMatch(/^250 2\.0\.0 Ok: queued as inb_[0-9a-z]{26}$/)
    expect(await stored(tenantId)).toMatchObject([{ recipient: address, is_tls: true, helo: 'mx.acme.test' }])
  })

  test('refuses an unknown recipient with 5.1.1 and a domain of nobody with 5.7.1, each alone', async () => {
    const { tenantId, token, address } = await begin()
    await expect(send(`other+${token}@${DOMAIN}`)).rejects.toThrow('550 5.1.1')
    await expect(send('x@elsewhere.example')).rejects.toThrow('550 5.7.1')
    await expect(send(`x@${DOMAIN}`)).rejects.toThrow('550 5.1.1')
    await expect(send([address, 'x@elsewhere.example'])).rejects.toThrow('550 5.7.1')
    expect(await stored(tenantId)).toEqual([])
  })

  test('knows an address of ours by its MAC, and refuses one with another', async () => {
    const address = makeOwnAddress(key, { purpose: 'bounce', messageId: newId(), position: 0 }, DOMAIN)
    await expect(send(address, undefined, '')).rejects.toThrow('550 5.1.1')
    await expect(send(address.replace('b+', 'b+0').replace(/.@/, '@'), undefined, '')).rejects.toThrow(
      '550 5.1.1',
    )
  })

  test('refuses a mail that goes in circles with 5.4.6', async () => {
    const { tenantId, address } = await begin()
    const hops = 'Received: from x by y; Fri, 20 Nov 2026 10:00:00 +0000\r\n'.repeat(26)
    await expect(send(address, `${hops}From: a@acme.test\r\n\r\nHi\r\n`)).rejects.toThrow('554 5.4.6')
    await expect(
      send(address, `Delivered-To: ${address}\r\nFrom: a@acme.test\r\n\r\nHi\r\n`),
    ).rejects.toThrow('554 5.4.6')
    expect(await stored(tenantId)).toEqual([])
  })

  test('hears of a changed route at once', async () => {
    const { owner, token } = await begin()
    const address = `sales+${token}@${DOMAIN}`
    await expect(send(address)).rejects.toThrow('550 5.1.1')
    const match = { kind: 'wildcard' as const, value: 'sa*' }
    await createInboundRoute(deps, owner, {
      name: 'W',
      position: 2,
      domain: null,
      match,
      actions: [{ type: 'drop' }],
      enabled: true,
    })
    await expect
      .poll(() =>
        send(address).then(
          () => 'taken',
          () => 'refused',
        ),
      )
      .toBe('taken')
  })

  test('answers 451 while the database is away, and takes the repeat once', async () => {
    const { tenantId, address } = await begin()
    await inbound.stop(1_000)
    let isAway = true
    const failpoint = () => {
      if (isAway) throw new Error('failpoint')
    }
    inbound = await open({ failpoint })
    await expect(send(address)).rejects.toThrow('451 4.3.0')
    isAway = false
    expect(await send(address)).toMatch(/^250 /)
    expect(await stored(tenantId)).toHaveLength(1)
    errors.length = 0
  })

  test('writes every line end as CRLF before it stores', async () => {
    const { tenantId, address } = await begin()
    await send(address, 'From: a@b.test\r\n\r\none\ntwo\rthree\r\n', '')
    const [mail] = await stored(tenantId)
    expect(mail?.raw.toString()).toBe('From: a@b.test\r\n\r\none\r\ntwo\r\nthree\r\n')
  })
})
