import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createEndpoint, startReceiver } from './src/callback-receiver.ts'
import { type Canary, createEchoingSmtp, findCanaries } from './src/canary.ts'
import { inParallel } from './src/client.ts'
import { freePort } from './src/ports.ts'
import { type EventTarget, PUBLIC_URL, postEvent, registerByHand } from './src/provider-events.ts'
import type { ProviderFault } from './src/provider-fault.ts'
import { redisInstalled } from './src/redis.ts'
import { reportMissing, reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = Math.min(300, faultsCount(60))
const PG_DUMPALL = '/usr/lib/postgresql/15/bin/pg_dumpall'
const canDump = existsSync(PG_DUMPALL)
if (!canDump) reportMissing('pg_dumpall is not installed')

/** The answers of a provider to the mails: every kind of error is recorded in another place. */
const FAULTS: ProviderFault[] = [
  {
    kind: 'status',
    status: 403,
    body: '{"message":"The security token included in the request is invalid"}',
  },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 400 },
  { kind: 'reset-after-body', taken: true },
]

/** Unlike any other text, and unlike each other. */
function makeCanary(random: Random, name: string): Canary {
  const part = () => random.below(2 ** 31).toString(36)
  return { name, value: `canary-${part()}-${part()}-${part()}` }
}

type Ask = (method: string, path: string, body?: unknown, key?: string) => Promise<string>

function recordingAsk(stack: Stack, answers: string[]): Ask {
  return async (method, path, body, key = stack.tenant.apiKey) => {
    const response = await fetch(`${stack.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push(`${JSON.stringify([...response.headers])}\n${text}`)
    return text
  }
}

async function readFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')),
  )
  return texts.join('\n')
}

/** Everything that the gateway has written anywhere. */
async function gather(
  stack: Stack,
  redisFolder: string,
  apiMetricsPort: number,
): Promise<Map<string, string>> {
  await stack.redis?.command('CONFIG SET rdbcompression no')
  await stack.redis?.command('SAVE')
  const address = ['-h', '127.0.0.1', '-p', String(stack.cluster.port), '-U', 'postgres']
  const dump = await promisify(execFile)(PG_DUMPALL, address, { maxBuffer: 256 * 1024 * 1024 })
  const metrics = [apiMetricsPort, stack.env.WORKER_METRICS_PORT].map(async (port) =>
    (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
  )
  return new Map([
    ['database', dump.stdout],
    ['redis', await readFolder(redisFolder)],
    ['api log', stack.api.current().output()],
    ['worker log', stack.worker.current().output()],
    ['metrics', (await Promise.all(metrics)).join('\n')],
  ])
}

/** Everything that can be asked for about mails, and refusals of each kind. */
async function askForTrouble(
  stack: Stack,
  ask: Ask,
  secrets: { ses: object; smtp: object; password: string },
): Promise<void> {
  const settings = { region: 'eu-west-1', base_url: stack.provider.url }
  await ask('POST', '/v1/connections', { name: 'ses', provider: 'ses', credentials: secrets.ses, settings })
  const wrong = [
    { name: 'x', provider: 'ses', credentials: { ...secrets.ses, more: secrets.password }, settings },
    { name: 'x', provider: 'ses', credentials: secrets.ses, settings: { region: 5 } },
    {
      name: 'x',
      provider: 'smtp',
      credentials: { username: `${secrets.password}\n` },
      settings: { host: 'x', port: 25 },
    },
    { name: 'x', provider: 'nobody', credentials: secrets.smtp, settings: {} },
  ]
  for (const body of wrong) await ask('POST', '/v1/connections', body)
  await ask('POST', '/v1/connections', `{"credentials": "${secrets.password}`)
  await ask('GET', '/v1/messages', undefined, `${stack.tenant.apiKey.slice(0, -1)}_`)
  await ask('GET', `/v1/messages?cursor=${secrets.password}`)
  await ask('GET', `/v1/messages?key=${stack.tenant.apiKey}`)
  await ask('GET', '/v1/connections')
}

/** Events that are taken, and refused for each reason. */
async function postEvents(target: EventTarget, answers: string[]): Promise<void> {
  const sent = [
    postEvent(target, 'taken', { 'x-lettergate-secret': target.password, cookie: `a=${target.password}` }),
    postEvent(target, 'taken', { authorization: `Bearer ${target.password}` }),
    postEvent({ ...target, password: 'wrong' }, 'refused'),
    postEvent({ ...target, url: `${target.url}x` }, 'elsewhere'),
    postEvent({ ...target, url: `${target.url}?x=1` }, 'x'.repeat(2_000_000)),
  ]
  for (const response of await Promise.all(sent))
    answers.push(`${JSON.stringify([...response.headers])}\n${await response.text()}`)
}

test.skipIf(!canDump || !redisInstalled())(
  'T35: no secret is readable in the database, Redis, logs, metrics or answers, and no content of mails in logs or Redis',
  async () => {
    const random = announceSeed('T35')
    const folder = await mkdtemp(join(tmpdir(), 'lettergate-canary-'))
    await using cleanup = new AsyncDisposableStack()
    cleanup.defer(() => rm(folder, { recursive: true, force: true }))
    const noisy = { LETTERGATE_LOG_LEVEL: 'trace', LETTERGATE_PUBLIC_URL: PUBLIC_URL }
    const apiMetricsPort = await freePort()
    const apiEnv = { ...noisy, API_METRICS_PORT: String(apiMetricsPort) }
    await using stack = await startStack({
      dailyLimit: 100_000,
      redis: { aof: true, folder },
      apiEnv,
      workerEnv: noisy,
    })
    const smtp = createEchoingSmtp()
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
    cleanup.defer(() => void smtp.close())
    const { port } = smtp.address() as AddressInfo
    const make = (name: string) => makeCanary(random, name)
    const [keyId, key, token] = [make('SES key id'), make('SES secret key'), make('SES session token')]
    const [username, password] = [make('SMTP user'), make('SMTP password')]
    const [subject, text, attached] = [make('subject'), make('text'), make('attachment')]
    const secrets: Canary[] = [
      ...[keyId, key, token, username, password],
      { name: 'API key', value: stack.tenant.apiKey },
      { name: 'LETTERGATE_SECRET', value: stack.env.LETTERGATE_SECRET ?? '' },
    ]
    // Only the answer to its registration shows it, and nobody else sees that one.
    const events = await registerByHand(stack)
    secrets.push({ name: 'password of events', value: events.password })
    secrets.push({ name: 'URL of events', value: events.url.split('/').at(-1) ?? '' })
    const [field, receiver] = [make('header field of an endpoint'), await startReceiver()]
    cleanup.defer(() => receiver.down())
    const headers = { Authorization: `Bearer ${field.value}` }
    const endpoint = await createEndpoint(stack, stack.tenant.apiKey, { url: receiver.url, headers })
    secrets.push(field, { name: 'secret of an endpoint', value: endpoint.secret })
    const answers: string[] = []
    await postEvents(events, answers)
    const ask = recordingAsk(stack, answers)
    await askForTrouble(stack, ask, {
      ses: { access_key_id: keyId.value, secret_access_key: key.value, session_token: token.value },
      smtp: { username: username.value, password: password.value },
      password: password.value,
    })
    const made: { id: string } = JSON.parse(
      await ask('POST', '/v1/connections', {
        name: 'smtp',
        provider: 'smtp',
        credentials: { username: username.value, password: password.value },
        settings: { host: '127.0.0.1', port, tls: 'none', allow_insecure: true },
      }),
    )
    await stack.provider.script({
      rules: FAULTS.map((fault, index) => ({ every: 3 + index, fault })),
    })
    const mail = (index: number) => ({
      from: 'app@acme.example',
      to: [`user${index}@example.net`],
      subject: `${subject.value} ${index}`,
      text: text.value,
      attachments: [{ filename: 'a.txt', content: Buffer.from(attached.value).toString('base64') }],
      ...(index % 5 === 0 ? { connection: made.id } : {}),
    })
    await inParallel(N, 8, async (index) => {
      if (index % 7 === 0) await ask('POST', '/v1/send', { ...mail(index), to: [subject.value] })
      await ask('POST', '/v1/send', mail(index))
    })
    const endpointPath = `/v1/endpoints/${endpoint.id}`
    await ask('PATCH', endpointPath, { url: 'https://other.example.net/' })
    for (const part of ['', '/deliveries']) await ask('GET', `${endpointPath}${part}`)
    await ask('POST', `${endpointPath}/test`)
    await ask('GET', '/v1/endpoints')
    await ask('GET', '/v1/audit')
    const untried = "select 1 from outbox where state <> 'waiting' limit 1"
    for (let waited = 0; waited < 100; waited++) {
      if ((await stack.pool.query({ text: untried })).rowCount === 0) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    // An untested path can leak nothing here.
    const { rows } = await stack.pool.query<{ outcome: string }>({ text: 'select outcome from attempt' })
    const outcomes = [...new Set(rows.map(({ outcome }) => outcome))].toSorted()
    expect(outcomes).toEqual(['accepted', 'deferred', 'rejected', 'unknown'])
    const refusedLogin = "select 1 from attempt where reason like '535 5.7.8 Not accepted%'"
    expect((await stack.pool.query({ text: refusedLogin })).rowCount).toBeGreaterThan(0)
    const contentAnswers = answers.splice(0)
    const listed: { data: { id: string }[] } = JSON.parse(await ask('GET', '/v1/messages?limit=100'))
    for (const { id } of listed.data) {
      for (const part of ['', '/attempts', '/events']) await ask('GET', `/v1/messages/${id}${part}`)
    }
    // Without a database everything fails, and says so.
    await stack.cluster.stopImmediately()
    await ask('POST', '/v1/send', mail(N))
    await postEvents(events, answers)
    await stack.cluster.start()
    const places = await gather(stack, folder, apiMetricsPort)
    places.set('answers', [...contentAnswers, ...answers].join('\n'))
    const inLogs = new Map(
      ['redis', 'api log', 'worker log', 'metrics'].map((at) => [at, places.get(at) ?? '']),
    )
    const sizes = [...places].map(([place, content]) => `${place} ${content.length}`)
    expect(Math.min(...[...places.values()].map(({ length }) => length)), sizes.join()).toBeGreaterThan(1_000)
    expect(findCanaries(places, secrets)).toEqual([])
    expect(findCanaries(inLogs, [subject, text, attached])).toEqual([])
    reportResult({
      test: 'T35',
      fault: `${N} mails with errors and refusals of every kind; ${secrets.length} secrets and 3 contents looked for in ${sizes.length} places`,
      n: N,
      result: '0 found, in plain, hex or base64',
      bound: '0 found',
    })

    // The control: each form is planted where it could have leaked, and found there.
    await stack.pool.query({
      text: "update connection set name = encode(convert_to($1, 'utf8'), 'base64') where provider = 'smtp'",
      values: [`key ${password.value}`],
    })
    await stack.redis?.command(`SET planted ${Buffer.from(key.value).toString('hex')}`)
    await stack.redis?.command(`SET content ${text.value}`)
    const planted = await gather(stack, folder, apiMetricsPort)
    planted.set('api log', `${planted.get('api log')}{"key":"${stack.tenant.apiKey}"}`)
    const content = new Map([['redis', planted.get('redis') ?? '']])
    const finds = [...findCanaries(planted, secrets), ...findCanaries(content, [text])]
    const found = new Set(finds.map(({ place, name }) => `${place}: ${name}`))
    expect([...found].toSorted()).toEqual([
      'api log: API key',
      'database: SMTP password',
      'redis: SES secret key',
      'redis: text',
    ])
    reportResult({
      test: 'T35 control',
      fault:
        'a secret planted in the database as base64, in Redis as hex and in the log as it is, content in Redis',
      n: 4,
      result: `${found.size} of 4 found`,
      bound: '4 found',
    })
  },
  120_000,
)
