import { createSecretKey, randomBytes } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { playHttp, respond } from '@lettergate/providers/test/http-peer'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildConnection, buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { createConnectionChecker, createCredentialRenewer, updateConnection } from '../connections/index.ts'
import { claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { noFailpoint } from '../lib/index.ts'
import { createRouter } from '../routing/index.ts'
import { createSealer, type Sealer } from '../secrets/index.ts'
import { createDeliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

const root = createSecretKey(randomBytes(32))
const credentials = { client_id: 'app-1', refresh_token: 'refresh-1' }
const egress = createEgress({ allow: ['127.0.0.1'] })
let db: TestDatabase
let tenantId: string
let connectionId: string
let microsoft: Awaited<ReturnType<typeof playMicrosoft>>
beforeEach(async () => {
  db = await createTestDatabase()
  microsoft = await playMicrosoft()
  tenantId = await buildTenant(db.pool)
  connectionId = newId()
  const place = { tenantId, table: 'connection', id: connectionId } as const
  const { sealed, dataKeyVersion } = await createSealer({ tenants: db.tenants, root }).sealJson(
    place,
    credentials,
  )
  const origin = `http://127.0.0.1:${microsoft.port}`
  const settings = { tenant: 'contoso.example', user: 'a@example.com', base_url: origin, login_url: origin }
  const row = { tenantId, id: connectionId, provider: 'microsoft365', name: 'x', priority: 1, settings }
  await buildConnection(db.pool, { ...row, sealedCredentials: sealed, dataKeyVersion })
})
afterEach(() => Promise.all([db.drop(), microsoft.close()]))
afterAll(() => egress.close())

/** Takes every mail, and answers each request for a token with `refresh-2`, `refresh-3`, … beside it. */
async function playMicrosoft() {
  let tokens = 1
  const peer = await playHttp((response, exchange) => {
    if (exchange.path.endsWith('/token')) {
      tokens++
      const body = { access_token: `access-${tokens}`, expires_in: 3599, refresh_token: `refresh-${tokens}` }
      return respond(200, JSON.stringify(body))(response, exchange)
    }
    if (exchange.path.endsWith('/send')) return respond(202, '')(response, exchange)
    return respond(exchange.method === 'GET' ? 200 : 201, '{"id":"draft-1"}')(response, exchange)
  })
  /** The refresh tokens of the token requests. */
  const used = () =>
    peer.got
      .filter(({ path }) => path.endsWith('/token'))
      .map(({ body }) => new URLSearchParams(body).get('refresh_token'))
  return { ...peer, used }
}

/** A process as it starts: nothing cached, no token. */
function startProcess(sealer: Sealer = createSealer({ tenants: db.tenants, root })) {
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const providers = createProviders()
  const tenants = db.tenants
  const secrets = createCredentialRenewer({ tenants, sealer, onError })
  const now = Date.now
  const deliverer = createDeliverer({
    pool: db.pool,
    tenants,
    egress,
    secrets,
    slots: 20,
    failpoint: noFailpoint,
    onError,
    router: createRouter({ tenants, sealer, providers, fallback: 'hold', onError }),
    recorder: createRecorder({ pool: db.pool, onError }),
    onAttempt: () => {},
  })
  const checker = createConnectionChecker({ tenants, sealer, egress, secrets, now, providers, onError })
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })
  return {
    errors,
    /** Sends a message, and returns its result. */
    async send(): Promise<string | undefined> {
      await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [buildMessage()] })
      const how = { depth: 100, afterTenant: FIRST_TENANT, tenantsMax: 50, leaseMs: 60_000 }
      for (const claim of (await claimMessages(db.pool, how)).claims) await deliverer.deliver(claim)
      await secrets.drain()
      const { rows } = await db.pool.query<{ status: string }>({
        text: 'select status from recipient order by message_id desc limit 1',
      })
      return rows[0]?.status
    },
    async check() {
      const { report } = await checker.check(tenantId, connectionId)
      await secrets.drain()
      return report.problem
    },
    rotate: (refresh_token: string) =>
      updateConnection({ tenants, prisma: db.prisma, sealer, providers, egress }, tenantId, connectionId, {
        credentials: { ...credentials, refresh_token },
      }),
    /** Open credentials of a worker last for a minute, or for one version of the tenant's connections. */
    openAnew: () =>
      db.pool.query({ text: 'update tenant set connections_version = connections_version + 1' }),
  }
}

test('a process that starts later uses the refresh token that an attempt received', async () => {
  expect(await startProcess().send()).toBe('sent')
  expect(await startProcess().send()).toBe('sent')
  expect(await startProcess().send()).toBe('sent')
  expect(microsoft.used()).toEqual(['refresh-1', 'refresh-2', 'refresh-3'])
})

test('a process that starts later uses the refresh token that a check received', async () => {
  expect(await startProcess().check()).toBeNull()
  expect(await startProcess().send()).toBe('sent')
  expect(microsoft.used()).toEqual(['refresh-1', 'refresh-2'])
})

test('a process that reads a token which another process has stored keeps its access token', async () => {
  const [one, other] = [startProcess(), startProcess()]
  for (let round = 0; round < 3; round++) {
    expect([await one.send(), await other.send()]).toEqual(['sent', 'sent'])
    await one.openAnew()
  }
  expect(microsoft.used()).toEqual(['refresh-1', 'refresh-2'])
})

test('credentials that a client stores are used immediately', async () => {
  const running = startProcess()
  await running.send()
  await running.rotate('refresh-of-the-client')
  expect(await running.send()).toBe('sent')
  expect(microsoft.used()).toEqual(['refresh-1', 'refresh-of-the-client'])
})

test('the mail is sent although the new token cannot be stored, which is logged; the old token is used again', async () => {
  const sealer = createSealer({ tenants: db.tenants, root })
  const broken = { ...sealer, sealJson: () => Promise.reject(new Error('connection lost')) }
  const running = startProcess(broken)
  expect(await running.send()).toBe('sent')
  expect(String(running.errors)).toMatch(/connection lost/)
  expect(await startProcess().send()).toBe('sent')
  expect(microsoft.used()).toEqual(['refresh-1', 'refresh-1'])
})
