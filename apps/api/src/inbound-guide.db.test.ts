import { type ChildProcess, spawn } from 'node:child_process'
import { createSecretKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnv } from '@lettergate/config/child-env'
import { createFeedNews } from '@lettergate/core/feed'
import {
  createInboundAcceptor,
  createInboundCalls,
  createInboundProcessor,
  createMailReader,
  createRecipientFinder,
} from '@lettergate/core/inbound'
import { noFailpoint } from '@lettergate/core/lib'
import { createSealer } from '@lettergate/core/secrets'
import { createWebhookSender } from '@lettergate/core/webhooks'
import { createListener } from '@lettergate/db/listener'
import { createEgress } from '@lettergate/egress/egress'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestApi, TEST_SECRET, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/inbound.md', import.meta.url), 'utf8')
const DOMAIN = 'inbound.lettergate.example'

let api: TestApi
const cleanups: (() => Promise<unknown> | unknown)[] = []
const errors: unknown[] = []
const onError = (error: unknown) => void errors.push(error)
beforeAll(async () => {
  api = await startTestApi({ egressAllow: ['127.0.0.1'] })
})
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await api.close()
})

/** The worker's parts for received mail. */
async function startWorker(): Promise<void> {
  const { batch: pool, tenants, url } = api.db
  const listener = createListener({ url, onError })
  const news = createFeedNews({ pool, listener, onError })
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const sealer = createSealer({ tenants, root: createSecretKey(Buffer.from(TEST_SECRET)) })
  const reader = createMailReader({ mta: DOMAIN, onThreadEnded: onError })
  const sender = createWebhookSender({
    pool,
    tenants,
    sealer,
    egress,
    listener,
    news,
    feedDays: 30,
    failpoint: noFailpoint,
    inbound: createInboundCalls({ pool, egress, onCall: () => {} }),
    onCall: () => {},
    onDisabled: () => {},
    onError,
  })
  const processor = createInboundProcessor({
    pool,
    mta: DOMAIN,
    keys: [],
    reader,
    failpoint: noFailpoint,
    submit: async () => {
      throw new Error('nothing is forwarded here')
    },
    onProcessed: () => {},
    onError,
  })
  sender.start()
  processor.start()
  cleanups.push(async () => {
    await processor.stop()
    await sender.stop(500)
    await reader.close()
    news.close()
    await listener.close()
    await egress.close()
    sealer.close()
  })
}

async function receive(address: string, raw: Buffer): Promise<void> {
  const acceptor = createInboundAcceptor({ pool: api.db.batch, failpoint: noFailpoint, onError })
  const found = await createRecipientFinder({ pool: api.db.batch, inboundDomain: DOMAIN, keys: [] }).find(
    address,
  )
  if ('refusal' in found) throw new Error(found.refusal)
  const session = { sender: 'ann@acme.example', remoteAddress: '192.0.2.1', helo: 'mx', isTls: false }
  await acceptor.accept({ session, recipients: [{ address, found }], raw })
  acceptor.close()
}

/** The program of the guide; answers what it printed. */
async function startReceiver(secret: string, port: number): Promise<() => string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lettergate-inbound-'))
  const path = join(folder, 'receiver.mjs')
  writeFileSync(path, /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
  const child: ChildProcess = spawn(process.execPath, [path], {
    env: childEnv({ SECRET: secret, PORT: String(port), API_URL: api.url, API_KEY: api.tenant.liveKey }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  cleanups.push(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    rmSync(folder, { recursive: true })
  })
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}' }).then(
      (r) => r.status === 401,
      () => false,
    )
  while (!(await isUp())) await sleep(20)
  return () => output.split('\n').slice(0, -1)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const examples = [
  ...page.matchAll(/```http\n(\S+) (\S+)\n([\s\S]*?)```\n(?:\n```json\n([\s\S]*?)```\n)?/g),
].map(([, method = '', path = '', body = '', answer]) => ({ method, path, body, answer }))

const mail = [
  'From: Ann <ann@acme.example>',
  'To: support@app.example',
  'Subject: Help',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'It is broken.',
  '',
  '> Is it?',
  '--b',
  'Content-Disposition: attachment; filename=log.txt',
  'Content-Type: text/plain',
  '',
  'abc',
  '--b--',
  '',
].join('\r\n')

it('every example of the guide to received mail works in its order, and its receiver gets the mail', async () => {
  const port = await freePort()
  const known = new Map<string, string>()
  const fill = (text: string) =>
    text
      .replaceAll('mbx_…', known.get('mbx') ?? '')
      .replaceAll('4x7k2m9qpt3w', known.get('token') ?? '')
      .replaceAll('https://app.acme.example/mail', `http://127.0.0.1:${port}/`)
  for (const { method, path, body, answer } of examples) {
    const given = await api.call(method, fill(path), body === '' ? {} : { body: JSON.parse(fill(body)) })
    expect([path, given.status]).toEqual([path, expect.toBeOneOf([200, 201])])
    const { id, domain } = given.json
    if (typeof id === 'string') known.set(id.slice(0, 3), id)
    if (path.endsWith('/address') && typeof domain === 'string')
      known.set('token', domain.split('.')[0] ?? '')
    if (answer !== undefined) expect(Object.keys(given.json)).toEqual(Object.keys(JSON.parse(answer)))
    if (path.endsWith('/test')) expect(given.json).toMatchObject({ accepted: true, route: known.get('inr') })
  }
  const { json } = await api.call('GET', '/v1/endpoints/default-secret')
  const printed = await startReceiver(String(json.secret), port)
  await startWorker()
  const address = `support+${known.get('token')}@${DOMAIN}`
  await receive(address, Buffer.from(mail))
  while (printed().length < 2 && errors.length === 0) await sleep(50)
  expect(errors).toEqual([])
  expect(printed()).toEqual(['ann@acme.example: It is broken.', 'log.txt: 3 bytes'])
  const large = 'a'.repeat(70).concat('\r\n').repeat(80_000)
  await receive(address, Buffer.from(mail.replace('abc', large)))
  while (printed().length < 4 && errors.length === 0) await sleep(50)
  expect(errors).toEqual([])
  expect(printed().slice(2)).toEqual(['ann@acme.example: It is broken.', `log.txt: ${large.length} bytes`])
  const [newest] = (await api.call('GET', '/v1/inbound/messages')).text.match(/inb_\w+/) ?? []
  expect((await api.call('DELETE', `/v1/inbound/messages/${newest}`)).status).toBe(204)

  const list = await api.call('GET', `/v1/inbound/mailboxes/${known.get('mbx')}/messages`)
  expect(list.json.data).toMatchObject([
    { recipient: address, subject: 'Help', state: 'done', read_at: null },
  ])
  const [, id = ''] = /"id":"(inb_\w+)"/.exec(list.text) ?? []
  const one = `/v1/inbound/messages/${id}`
  expect((await api.call('GET', `${one}/attachments/0`)).text).toBe('abc')
  expect((await api.call('GET', `${one}/raw`)).text).toBe(mail)
  expect((await api.call('PATCH', one, { body: { read: true } })).json.read_at).not.toBeNull()
  expect(
    (await api.call('GET', `/v1/inbound/mailboxes/${known.get('mbx')}/messages?unread=true`)).json.data,
  ).toEqual([])
  expect((await api.call('DELETE', `/v1/inbound/mailboxes/${known.get('mbx')}`)).status).toBe(409)
  expect((await api.call('POST', `${one}/replay`)).status).toBe(202)
  expect((await api.call('DELETE', one)).status).toBe(204)
  expect((await api.call('GET', one)).status).toBe(404)
})

it.each([
  [{ match: { kind: 'regex', value: '(a)\\1' } }, '#/match/value'],
  [{ match: { kind: 'all', value: 'x' } }, '#/match/value'],
  [{ domain: 'not-mine.example' }, '#/domain'],
  [{ actions: [{ type: 'post', url: 'http://10.0.0.1/' }] }, '#/actions/0/url'],
  [{ actions: [{ type: 'store', mailbox: 'mbx_01m7wa5yjwe1qr5m7w1gzh99cc' }] }, '#/actions/0/mailbox'],
])('a route with %j is refused at %s', async (change, pointer) => {
  const route = { name: 'A', match: { kind: 'all' }, actions: [{ type: 'drop' }], ...change }
  const { status, json } = await api.call('POST', '/v1/inbound/routes', { body: route })
  expect([status, json.errors]).toEqual([422, [expect.objectContaining({ pointer })]])
})

it('a route for a domain takes mail once the tenant has proved it', async () => {
  const domain = 'acme.example'
  await api.db.pool.query({
    text: `create or replace function proved_domains(of_tenant uuid) returns text[] language sql stable as
           $$select case when of_tenant = '${api.tenant.tenantId}' then array['${domain}'] else array[]::text[] end$$`,
  })
  const body = { name: 'D', domain, match: { kind: 'tag', value: 'x' }, actions: [{ type: 'drop' }] }
  const { status, json } = await api.call('POST', '/v1/inbound/routes', { body })
  expect(status).toBe(201)
  const test = (address: string, key?: string) =>
    api.call('POST', '/v1/inbound/routes/test', { body: { address }, ...(key !== undefined && { key }) })
  expect((await test('any+X@Acme.example')).json).toMatchObject({ accepted: true, route: json.id })
  expect((await test('any@acme.example')).json.accepted).toBe(false)
  const other = await api.addTenant()
  expect((await test('any+x@acme.example', other.liveKey)).json.accepted).toBe(false)
  expect((await api.call('POST', '/v1/inbound/routes', { body, key: other.liveKey })).status).toBe(422)
})

it('a message with reply_tracking has an address of the gateway as its Reply-To', async () => {
  const connection = { provider: 'capture', name: 'Capture', settings: {} }
  await api.call('POST', '/v1/connections', { body: connection })
  const message = {
    from: 'app@acme.example',
    to: ['u@example.net'],
    subject: 'Hi',
    text: 'Hi',
    reply_tracking: true,
  }
  const sent = await api.call('POST', '/v1/send', { body: message })
  expect(sent.status).toBe(202)
  const raw = await api.call('GET', `/v1/messages/${String(sent.json.id)}/raw`)
  const id = String(sent.json.id).slice('msg_'.length)
  expect(raw.text).toMatch(
    new RegExp(`^Reply-To:\\s+reply\\+${id}00[0-9a-z]{13}@inbound\\.lettergate\\.example\\r$`, 'm'),
  )
})
