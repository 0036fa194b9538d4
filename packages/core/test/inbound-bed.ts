import { createSecretKey } from 'node:crypto'
import type { InboundMatch } from '@lettergate/contracts/inbound/routes'
import { createListener } from '@lettergate/db/listener'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { createAcceptor, createConnectionsCheck, createSubmit } from '../src/accept/index.ts'
import { createFeedNews } from '../src/feed/index.ts'
import {
  createInboundAcceptor,
  createInboundCalls,
  createInboundProcessor,
  createInboundRoute,
  createMailReader,
  createRecipientFinder,
  type InboundDeps,
  type InboundProcessor,
  readTenantToken,
} from '../src/inbound/index.ts'
import { type Failpoint, noFailpoint } from '../src/lib/index.ts'
import { createSealer } from '../src/secrets/index.ts'
import { createWebhookSender } from '../src/webhooks/index.ts'
import { noCallbacks } from './no-callbacks.ts'
import { openReceiver } from './receiver.ts'
import { buildTenant } from './rows.ts'

export const INBOUND_DOMAIN = 'in.gateway.example'
export const ownKey = createSecretKey(Buffer.alloc(32, 9))

export const session = {
  sender: 'ann@acme.example',
  remoteAddress: '192.0.2.1',
  helo: 'mx.acme.example',
  isTls: false,
}

/** A mail, its lines ended by CRLF. */
export const mailOf = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`)

export const plainMail = mailOf(
  'From: Ann <ann@acme.example>',
  'To: support@app.example',
  'Subject: Hello',
  'Date: Fri, 20 Nov 2026 10:00:00 +0000',
  'Message-ID: <1@acme.example>',
  '',
  'Hi there',
)

/** A database, a listener's parts and a worker's for inbound mail; all is closed after each test. */
export function useInboundBed() {
  let db: TestDatabase
  const cleanups: (() => Promise<unknown> | unknown)[] = []
  const processors: InboundProcessor[] = []
  const errors: unknown[] = []
  beforeAll(async () => {
    db = await createTestDatabase()
  })
  afterAll(() => db.drop())
  beforeEach(() => {
    errors.length = 0
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    expect(errors).toEqual([])
  })
  /** Starting its thread takes a while. */
  const reader = createMailReader({ mta: INBOUND_DOMAIN, onThreadEnded: () => {} })
  afterAll(() => reader.close())
  const root = createSecretKey(Buffer.alloc(32, 7))
  const onError = (error: unknown) => void errors.push(error)

  function deps(): InboundDeps {
    const sealer = createSealer({ tenants: db.tenants, root })
    const egress = createEgress({ allow: ['127.0.0.0/8'] })
    cleanups.push(
      () => sealer.close(),
      () => egress.close(),
    )
    return {
      prisma: db.prisma,
      tenants: db.tenants,
      sealer,
      egress,
      db: db.pool,
      inboundDomain: INBOUND_DOMAIN,
      onError,
    }
  }

  const finder = () =>
    createRecipientFinder({ pool: db.batch, inboundDomain: INBOUND_DOMAIN, keys: [ownKey] })

  /** Receives a mail as the listener does. */
  async function receive(
    addresses: readonly string[],
    raw: Buffer = plainMail,
    change: Partial<typeof session> & { failpoint?: Failpoint } = {},
  ) {
    const { failpoint = noFailpoint, ...of } = change
    const acceptor = createInboundAcceptor({ pool: db.batch, failpoint, onError })
    cleanups.push(() => acceptor.close())
    const find = finder()
    const recipients = await Promise.all(
      addresses.map(async (address) => {
        const found = await find.find(address)
        if ('refusal' in found) throw new Error(`${address}: ${found.refusal}`)
        return { address, found }
      }),
    )
    const received = await acceptor.accept({ session: { ...session, ...of }, recipients, raw })
    // As the notification of a database does.
    for (const processor of processors) processor.wake()
    return received
  }

  /** A worker's part, running. */
  function startProcessor(failpoint: Failpoint = noFailpoint) {
    const processed: string[] = []
    const providers = createProviders({})
    const acceptor = createAcceptor({
      pool: db.batch,
      wakeWorkers: () => {},
      failpoint: noFailpoint,
      onError,
    })
    const submit = createSubmit({
      acceptor,
      connectionsCheck: createConnectionsCheck({ tenants: db.tenants, providers }),
      callbacks: noCallbacks,
    })
    const processor = createInboundProcessor({
      pool: db.batch,
      submit,
      mta: INBOUND_DOMAIN,
      keys: [ownKey],
      reader,
      failpoint,
      onProcessed: (result) => void processed.push(result),
      onError: (error) => {
        if (!(error instanceof Error && error.message === 'failpoint')) onError(error)
      },
    })
    processor.start()
    processors.push(processor)
    cleanups.push(() => {
      processors.splice(processors.indexOf(processor), 1)
      return processor.stop()
    })
    return { processor, processed }
  }

  /** A worker's sender of webhooks, running. */
  function startSender() {
    const listener = createListener({ url: db.url, onError })
    const news = createFeedNews({ pool: db.batch, listener, onError })
    const egress = createEgress({ allow: ['127.0.0.0/8'] })
    const sealer = createSealer({ tenants: db.tenants, root })
    const sender = createWebhookSender({
      pool: db.batch,
      tenants: db.tenants,
      sealer,
      egress,
      listener,
      news,
      feedDays: 30,
      failpoint: noFailpoint,
      inbound: createInboundCalls({ pool: db.batch, egress, onCall: () => {} }),
      onCall: () => {},
      onDisabled: () => {},
      onError,
    })
    sender.start()
    cleanups.push(async () => {
      await sender.stop(500)
      news.close()
      await listener.close()
      await egress.close()
      sealer.close()
    })
    return sender
  }

  async function playReceiver() {
    const receiver = await openReceiver()
    cleanups.push(receiver.close)
    return receiver
  }

  type Actions = Parameters<typeof createInboundRoute>[2]['actions']

  /** A tenant with a route at its own address. */
  async function begin(actions: Actions, match: InboundMatch = { kind: 'all', value: '' }) {
    const tenantId = await buildTenant(db.pool)
    const owner = { tenantId, mode: 'live' as const }
    const own = deps()
    const route = await createInboundRoute(own, owner, {
      name: 'All',
      position: 1,
      domain: null,
      match,
      actions,
      enabled: true,
    })
    const token = await readTenantToken(own, owner)
    return { tenantId, owner, deps: own, route, token, address: `hello+${token}@${INBOUND_DOMAIN}` }
  }

  return { db: () => db, deps, finder, receive, startProcessor, startSender, playReceiver, begin }
}
