import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnv } from '@lettergate/config/child-env'
import type { FeedEvent } from '@lettergate/contracts/feed/responses'
import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { toPayload } from '@lettergate/contracts/webhooks/payload'
import { newWebhookSecret, signWebhook } from '@lettergate/contracts/webhooks/sign-webhook'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/callbacks.md', import.meta.url), 'utf8')

let api: TestApi
let folder: string
const running: ChildProcess[] = []
beforeAll(async () => {
  api = await startTestApi({ egressAllow: ['127.0.0.1'] })
  folder = mkdtempSync(join(tmpdir(), 'lettergate-callbacks-'))
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(endProgram))
})
afterAll(async () => {
  await api.close()
  rmSync(folder, { recursive: true })
})

const programs = [
  { language: 'js', command: process.execPath, file: 'receiver.mjs', isServer: true },
  { language: 'python', command: 'python3', file: 'receiver.py', isServer: true },
  { language: 'php', command: 'php', file: 'receiver.php', isServer: false },
]

const isInstalled = (command: string) => spawnSync(command, ['--version']).error === undefined

function programOf(language: string): string {
  const [, program] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  if (program === undefined) throw new Error(`the page has no program in ${language}`)
  return program
}

function endProgram(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

type Program = (typeof programs)[number]
type Receiver = { url: string; lines(): string[]; errors(): string; end(): Promise<void> }

/** The program in a folder of its own, once it answers. */
async function start(program: Program, secret: string | undefined, place?: string): Promise<Receiver> {
  const home = place ?? mkdtempSync(join(folder, `${program.language}-`))
  const path = join(home, program.file)
  writeFileSync(path, programOf(program.language))
  const port = await freePort()
  const child = spawn(program.command, program.isServer ? [path] : ['-S', `127.0.0.1:${port}`, path], {
    cwd: home,
    env: childEnv({
      WEBHOOK_SECRET: secret,
      PORT: String(port),
      EVENTS_DIR: join(home, 'events'),
      PHP_CLI_SERVER_WORKERS: undefined,
    }),
  })
  running.push(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const url = `http://127.0.0.1:${port}/hook`
  while (child.exitCode === null) {
    const isUp = await fetch(url, { method: 'POST', body: '{}' }).then(
      () => true,
      () => false,
    )
    if (isUp) break
    await sleep(20)
  }
  return {
    url,
    lines: () => output.split('\n').slice(0, -1),
    errors: () => errors,
    end: () => endProgram(child),
  }
}

function eventOf(messageId: string | null, seq: number, type: FeedEvent['type']): FeedEvent {
  return {
    seq,
    type,
    at: '2026-11-20T09:30:00.000Z',
    message_id: messageId,
    recipient: messageId === null ? null : 'größe@example.net',
    status: null,
    reason: null,
    attempt: null,
    detail: null,
    connection: null,
    stream: 'transactional',
    tags: [],
    metadata: {},
  }
}

const newMessage = () => toPublicId('msg', newId())
const bodyOf = (event: FeedEvent) => JSON.stringify(toPayload(event))

type Signing = {
  secrets: string[]
  id?: string
  at?: Date
  change?: (headers: Record<string, string>) => object
}

async function post(
  url: string,
  body: string,
  { secrets, id = `evt_${newId()}`, at = new Date(), change }: Signing,
) {
  const signed: Record<string, string> = { ...signWebhook({ id, at, body }, secrets) }
  const headers = { 'content-type': 'application/json', ...signed, ...change?.(signed) }
  const { status } = await fetch(url, { method: 'POST', headers, body })
  return status
}

async function untilLines(receiver: Receiver, count: number): Promise<string[]> {
  while (receiver.lines().length < count) await sleep(10)
  return receiver.lines()
}

describe.each(programs)('the receiver in $language', (program) => {
  const run = it.skipIf(!isInstalled(program.command))

  run('takes a call that the gateway itself makes to an endpoint', async () => {
    // The secret is known once the endpoint is made, and the URL once the program runs.
    const first = await start(program, newWebhookSecret())
    const created = await api.call('POST', '/v1/endpoints', { body: { url: first.url } })
    expect(created.status).toBe(201)
    const test = (id: unknown) => api.call('POST', `/v1/endpoints/${id}/test`)
    expect((await test(created.json.id)).json).toMatchObject({ ok: false, status: 401 })
    const receiver = await start(program, String(created.json.secret))
    await api.call('PATCH', `/v1/endpoints/${created.json.id}`, { body: { url: receiver.url } })
    expect((await test(created.json.id)).json).toMatchObject({ ok: true, status: 204 })
    const [line] = await untilLines(receiver, 1)
    expect(line).toMatch(/^msg_\w+ recipient\.delivered$/)
    await api.call('POST', `/v1/endpoints/${created.json.id}/rotate-secret`)
    expect((await test(created.json.id)).json).toMatchObject({ ok: true, status: 204 })
  })

  run('sorts the events of a message, in whatever order they come, and knows a repeat', async () => {
    const secret = newWebhookSecret()
    const receiver = await start(program, secret)
    const [message, other] = [newMessage(), newMessage()]
    const call = (event: FeedEvent) => post(receiver.url, bodyOf(event), { secrets: [secret] })
    // As text, 1000 sorts before 9.
    const delivered = eventOf(message, 1_000, 'recipient.delivered')
    const accepted = eventOf(message, 0, 'message.accepted')
    const sent = eventOf(message, 9, 'recipient.sent')
    expect(await call(delivered)).toBe(204)
    expect(await call(accepted)).toBe(204)
    expect(await call(delivered)).toBe(204)
    expect(await call(sent)).toBe(204)
    expect(await call(sent)).toBe(204)
    expect(await call(eventOf(other, 9, 'recipient.bounced'))).toBe(204)
    expect(await call(eventOf(null, 9, 'endpoint.disabled'))).toBe(204)
    expect(await untilLines(receiver, 5)).toEqual([
      `${message} recipient.delivered`,
      `${message} message.accepted recipient.delivered`,
      `${message} message.accepted recipient.sent recipient.delivered`,
      `${other} recipient.bounced`,
      'account endpoint.disabled',
    ])
  })

  run('takes an event once, of ten concurrent calls and after a restart', async () => {
    const secret = newWebhookSecret()
    const place = mkdtempSync(join(folder, `${program.language}-`))
    const receiver = await start(program, secret, place)
    const message = newMessage()
    const body = bodyOf(eventOf(message, 7, 'recipient.sent'))
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => post(receiver.url, body, { secrets: [secret] })),
    )
    expect(new Set(statuses)).toEqual(new Set([204]))
    expect(await untilLines(receiver, 1)).toEqual([`${message} recipient.sent`])
    await receiver.end()
    const again = await start(program, secret, place)
    expect(await post(again.url, body, { secrets: [secret] })).toBe(204)
    const next = bodyOf(eventOf(message, 8, 'recipient.delivered'))
    expect(await post(again.url, next, { secrets: [secret] })).toBe(204)
    expect(await untilLines(again, 1)).toEqual([`${message} recipient.sent recipient.delivered`])
  })

  run('takes a list of events, of which it knows some', async () => {
    const secret = newWebhookSecret()
    const receiver = await start(program, secret)
    const message = newMessage()
    const [sent, delivered] = [
      eventOf(message, 2, 'recipient.sent'),
      eventOf(message, 3, 'recipient.delivered'),
    ]
    const call = (events: FeedEvent[]) =>
      post(receiver.url, JSON.stringify(events.map(toPayload)), { secrets: [secret] })
    expect(await call([sent])).toBe(204)
    expect(await call([delivered, sent])).toBe(204)
    expect(await untilLines(receiver, 2)).toEqual([
      `${message} recipient.sent`,
      `${message} recipient.sent recipient.delivered`,
    ])
  })

  run('takes calls with either secret while one replaces the other', async () => {
    const [current, former] = [newWebhookSecret(), newWebhookSecret()]
    const message = newMessage()
    const body = bodyOf(eventOf(message, 1, 'recipient.sent'))
    for (const secret of [current, former]) {
      const receiver = await start(program, secret)
      expect(await post(receiver.url, body, { secrets: [current, former] })).toBe(204)
      expect(await untilLines(receiver, 1)).toEqual([`${message} recipient.sent`])
    }
  })

  run('refuses what is not genuine, and stores nothing of it', async () => {
    const secret = newWebhookSecret()
    const receiver = await start(program, secret)
    const message = newMessage()
    const body = bodyOf(eventOf(message, 1, 'recipient.bounced'))
    const minutes = (count: number) => new Date(Date.now() + count * 60_000)
    const refused: [string, Signing][] = [
      ['another secret', { secrets: [newWebhookSecret()] }],
      ['an old time', { secrets: [secret], at: minutes(-6) }],
      ['a time to come', { secrets: [secret], at: minutes(6) }],
      ['another id', { secrets: [secret], change: () => ({ 'webhook-id': 'evt_other' }) }],
      ['no time', { secrets: [secret], change: () => ({ 'webhook-timestamp': '' }) }],
      ['a time that is no number', { secrets: [secret], change: () => ({ 'webhook-timestamp': 'now' }) }],
      ['no signature', { secrets: [secret], change: () => ({ 'webhook-signature': '' }) }],
      [
        'another version',
        {
          secrets: [secret],
          change: (headers) => ({ 'webhook-signature': headers['webhook-signature']?.replace('v1,', 'v2,') }),
        },
      ],
      ['letters beyond ASCII', { secrets: [secret], change: () => ({ 'webhook-signature': 'v1,é' }) }],
    ]
    for (const [what, signing] of refused)
      expect([what, await post(receiver.url, body, signing)]).toEqual([what, 401])
    const altered = { secrets: [secret], at: new Date(), id: 'evt_1' }
    const signed = { ...signWebhook({ ...altered, body }, [secret]) }
    const { status } = await fetch(receiver.url, { method: 'POST', headers: signed, body: `${body} ` })
    expect(status).toBe(401)
    expect(await fetch(receiver.url, { method: 'POST', body }).then((answer) => answer.status)).toBe(401)
    const genuine = bodyOf(eventOf(message, 2, 'recipient.sent'))
    expect(await post(receiver.url, genuine, { secrets: [secret], at: minutes(-4) })).toBe(204)
    expect(await untilLines(receiver, 1)).toEqual([`${message} recipient.sent`])
  })

  run('answers an error if it cannot store, so that the event comes again', async () => {
    const secret = newWebhookSecret()
    const place = mkdtempSync(join(folder, `${program.language}-`))
    writeFileSync(join(place, 'events'), 'a file where the folder should be')
    const receiver = await start(program, secret, place)
    const body = bodyOf(eventOf(newMessage(), 1, 'recipient.sent'))
    expect(await post(receiver.url, body, { secrets: [secret] })).toBe(500)
  })

  run('refuses a body of more than 5 MB, and stores nothing of it', async () => {
    const secret = newWebhookSecret()
    const receiver = await start(program, secret)
    const message = newMessage()
    const large = { ...eventOf(message, 1, 'recipient.sent'), reason: 'x'.repeat(5_000_000) }
    // The answer may come before the body was sent: the connection is then closed.
    const status = await post(receiver.url, bodyOf(large), { secrets: [secret] }).catch(() => null)
    expect([null, 413]).toContain(status)
    const small = bodyOf(eventOf(message, 2, 'recipient.delivered'))
    expect(await post(receiver.url, small, { secrets: [secret] })).toBe(204)
    expect(await untilLines(receiver, 1)).toEqual([`${message} recipient.delivered`])
  })

  run('takes no call without a secret', async () => {
    const receiver = await start(program, undefined)
    const body = bodyOf(eventOf(newMessage(), 1, 'recipient.sent'))
    const status = await post(receiver.url, body, { secrets: [newWebhookSecret()] }).catch(() => null)
    expect([null, 500]).toContain(status)
    expect(receiver.errors()).toContain('WEBHOOK_SECRET is no secret of an endpoint')
  })
})
