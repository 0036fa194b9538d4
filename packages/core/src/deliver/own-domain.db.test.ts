import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { createDns } from '@lettergate/egress/dns'
import { createEgress } from '@lettergate/egress/egress'
import { createProviders } from '@lettergate/providers/registry'
import { playMailHost } from '@lettergate/providers/test/mail-host'
import { dkimVerify } from 'mailauth'
import { afterEach, expect, test } from 'vitest'
import { buildMessage, noSecrets } from '../../test/build-message.ts'
import { useDomainBed } from '../../test/domain-bed.ts'
import { buildTenant } from '../../test/rows.ts'
import { createAcceptor } from '../accept/index.ts'
import { createConnection } from '../connections/index.ts'
import { claimMessages, FIRST_TENANT } from '../dispatch/index.ts'
import { addDomain, deleteDomain, openOwnDomains } from '../domains/index.ts'
import { noFailpoint, readOwnAddress } from '../lib/index.ts'
import { createRouter } from '../routing/index.ts'
import { createSealer, deriveKey, rewrapDataKeys, type Sealer } from '../secrets/index.ts'
import { createDeliverer } from './deliver.ts'
import { createRecorder } from './record.ts'

const { bed } = useDomainBed()
const addressKey = deriveKey(createSecretKey(randomBytes(32)), 'own addresses')
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
let count = 0

/** A tenant with a connection `direct` to a mail host of this machine, and a worker. */
async function begin(options: { sealer?: Sealer; gatewayDomain?: string | null } = {}) {
  const { db, deps, server } = bed()
  const sealer = options.sealer ?? bed().sealer
  const onError = (error: unknown) => {
    throw error
  }
  const envelopes: { from: string; to: string[] }[] = []
  const reports: unknown[] = []
  const host = await playMailHost({
    hideDSN: false,
    onMailFrom: ({ address }, _session, done) => {
      envelopes.push({ from: address, to: [] })
      done()
    },
    onRcptTo: ({ address, dsn }, { envelope }, done) => {
      reports.push({ ...envelope.dsn, ...dsn })
      envelopes.at(-1)?.to.push(address)
      done()
    },
  })
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const providers = createProviders()
  const tenantId = await buildTenant(db.pool)
  const name = `own${++count}.example`
  await createConnection({ ...db, sealer, egress, providers }, tenantId, {
    provider: 'direct',
    name: 'Direct',
    priority: 1,
    settings: { helo_name: 'gate.example', instead_of_mx: { host: '127.0.0.1', port: host.port } },
    credentials: {},
  })
  let unsealed = 0
  const counting: Sealer = {
    ...sealer,
    unsealJson: (place, value) => {
      unsealed += 1
      return sealer.unsealJson(place, value)
    },
  }
  const deliverer = createDeliverer({
    pool: db.pool,
    tenants: db.tenants,
    router: createRouter({ tenants: db.tenants, sealer: counting, providers, fallback: 'hold', onError }),
    recorder: createRecorder({ pool: db.pool, onError }),
    egress,
    secrets: noSecrets,
    returnPaths: { key: addressKey, domain: options.gatewayDomain ?? null },
    slots: 10,
    failpoint: noFailpoint,
    onAttempt: () => {},
    onError,
  })
  const acceptor = createAcceptor({ pool: db.pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })
  cleanups.push(async () => {
    await Promise.all(Object.values(providers).map((provider) => provider.close?.()))
    await Promise.all([egress.close(), host.close()])
  })

  /** Sends one message; answers its id and the mail and envelope that arrived. */
  async function send(change: Partial<NewMessage> = {}) {
    const message = buildMessage({ from: { address: `app@news.${name}` }, ...change })
    const accepted = await acceptor.accept({ id: tenantId, mode: 'live' }, { messages: [message] })
    if (accepted.kind !== 'accepted') throw new Error(accepted.kind)
    const bounds = { depth: 10, tenantsMax: 50, leaseMs: 60_000 }
    const { claims } = await claimMessages(db.pool, { ...bounds, afterTenant: FIRST_TENANT })
    await Promise.all(claims.map(deliverer.deliver))
    const mail = host.mails.at(-1)
    if (!mail) throw new Error('no mail arrived')
    return {
      id: accepted.messages[0]?.id ?? '',
      mail,
      envelopes: envelopes.splice(0),
      reports: reports.splice(0),
    }
  }

  async function addAndProve() {
    const info = await addDomain({ ...deps, sealer }, tenantId, name)
    bed().publish(info)
    expect(await bed().check(tenantId, info.domain.id)).toBe('verified')
    return info.domain.id
  }

  return { tenantId, name, send, addAndProve, server, unsealed: () => unsealed }
}

/** What another implementation says of the signatures of a mail, by the records in the DNS. */
async function verify(mail: Buffer): Promise<string[]> {
  const { server } = bed()
  const dns = createDns({ allow: [server.address], resolvers: [server.address], port: server.port })
  const { results } = await dkimVerify(mail, {
    resolver: async (name: string) => {
      const answer = await dns.within(({ ask }) => ask(name, 'TXT'))
      return answer.kind === 'found' ? answer.values.map((value) => [value]) : []
    },
  })
  return results.map(({ signingDomain, algo, status }) => `${signingDomain} ${algo} ${status.result}`)
}

test('mail of a proved domain is signed with both its keys, RSA first, and a second message unseals nothing', async () => {
  const { send, addAndProve, name, unsealed } = await begin()
  await addAndProve()
  const { mail } = await send()
  expect(await verify(mail)).toEqual([`${name} rsa-sha256 pass`, `${name} ed25519-sha256 pass`])
  expect(mail.toString()).toMatch(/^Feedback-ID: transactional:[0-9a-f]{10}:lettergate\r$/m)
  const before = unsealed()
  await send()
  expect(unsealed()).toBe(before)
})

test('mail of a deleted domain is signed and sent no more from the next message on', async () => {
  const { send, addAndProve, tenantId } = await begin()
  const id = await addAndProve()
  expect(await verify((await send()).mail)).toHaveLength(2)
  await deleteDomain(bed().deps, tenantId, id)
  const { id: next, envelopes } = await send()
  expect(envelopes).toEqual([])
  const { rows } = await bed().db.pool.query({
    text: 'select status, reason from recipient where message_id = $1',
    values: [next],
  })
  expect(rows).toMatchObject([{ status: 'held', reason: expect.stringContaining('have not proved') }])
})

test('T37: after a change of the root key, keys of domains sign as before', async () => {
  const [old, next]: [KeyObject, KeyObject] = [
    createSecretKey(randomBytes(32)),
    createSecretKey(randomBytes(32)),
  ]
  const { tenants, pool } = bed().db
  const first = await begin({ sealer: createSealer({ tenants, root: old }) })
  await first.addAndProve()
  await rewrapDataKeys(pool, { from: old, to: next })
  const errors: unknown[] = []
  const deps = {
    tenants,
    sealer: createSealer({ tenants, root: next }),
    onError: (e: unknown) => errors.push(e),
  }
  const opened = await openOwnDomains(deps, first.tenantId)
  expect(opened.keysOf(`a@${first.name}`)).toHaveLength(2)
  expect(errors).toEqual([])
})

test('bounces come back to the domain of the sender, to an address that names the recipient and that nobody else can make', async () => {
  const { send, addAndProve, name } = await begin()
  await addAndProve()
  const to = [{ address: 'a@one.example' }, { address: 'b@two.example' }, { address: 'c@two.example' }]
  const { id, envelopes } = await send({ to })
  expect(envelopes.map((envelope) => envelope.to).sort()).toEqual([
    ['a@one.example'],
    ['b@two.example', 'c@two.example'],
  ])
  for (const envelope of envelopes) {
    expect(envelope.from.endsWith(`@bounce.${name}`)).toBe(true)
    // Of several recipients of one transaction, the first.
    const position = to.findIndex(({ address }) => address === envelope.to[0])
    expect(readOwnAddress(addressKey, envelope.from)).toEqual({ purpose: 'bounce', messageId: id, position })
    expect(readOwnAddress(createSecretKey(randomBytes(32)), envelope.from)).toBeNull()
  }
})

test.each([
  [
    'to the domain of the operator where the sender has none',
    'rp.gate.example',
    /^b\+\w+@rp\.gate\.example$/,
  ],
  ['to the author where the operator has none either', null, /^app@news\.own\d+\.example$/],
])('bounces come back %s', async (_case, gatewayDomain, from) => {
  const { send, addAndProve, tenantId } = await begin({ gatewayDomain })
  await addAndProve()
  await bed().db.pool.query({
    text: 'update domain set has_return_path = false where tenant_id = $1',
    values: [tenantId],
  })
  expect((await send()).envelopes[0]?.from).toMatch(from)
})

test('reports that the client asked for are asked for at the next server, and bounces still come', async () => {
  const { send, addAndProve } = await begin()
  await addAndProve()
  const { reports } = await send({
    to: [{ address: 'a@one.example' }],
    dsn: { ret: 'HDRS', envid: 'order 17', recipients: { 'a@one.example': { notify: ['NEVER'] } } },
  })
  expect(reports).toEqual([{ ret: 'HDRS', envid: 'order 17', notify: ['FAILURE'] }])
})
