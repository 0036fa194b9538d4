import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ANY_PORTS,
  type RunningCommand,
  runCommand,
  untilNoProcesses,
  untilReady,
} from '../../test/run-command.ts'
import type { DevFile } from '../start/dev-file.ts'

let folder: string
let dataDir: string
let dev: DevFile
let gateway: RunningCommand
const running: RunningCommand[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lettergate-listen-'))
  dataDir = join(folder, 'data')
  gateway = runCommand(['start'], { LETTERGATE_DATA_DIR: dataDir, API_PORT: '0', ...ANY_PORTS })
  running.push(gateway)
  dev = await untilReady(gateway, dataDir)
})
afterAll(async () => {
  for (const command of running.splice(0)) command.kill('SIGTERM')
  expect(await untilNoProcesses(folder, 15_000)).toEqual([])
  rmSync(folder, { recursive: true, force: true })
})

type Received = { headers: IncomingHttpHeaders; body: string }

/** A program that takes callbacks, and answers by `statusOf` the number of the request. */
async function receive(statusOf: (number: number) => number) {
  const received: Received[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(statusOf(received.length)).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

async function send(): Promise<unknown> {
  const response = await fetch(`${dev.api_url}/v1/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${dev.live_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      from: 'a@example.com',
      to: 'b@example.org',
      subject: 's',
      text: 't',
      tags: ['x'],
    }),
  })
  const { id }: { id: unknown } = Object(await response.json())
  return id
}

async function untilLines(command: RunningCommand, count: number): Promise<string[]> {
  for (;;) {
    const lines = command.stdout().split('\n').slice(0, -1)
    if (lines.length >= count) return lines
    await sleep(20)
  }
}

function startListening(...args: string[]): RunningCommand {
  const command = runCommand(['listen', ...args], { LETTERGATE_DATA_DIR: dataDir })
  running.push(command)
  return command
}

async function stopped(command: RunningCommand) {
  command.kill('SIGINT')
  return await command.finished
}

test('events of the gateway on this machine reach a local URL, signed as callbacks are', async () => {
  const receiver = await receive(() => 200)
  const command = startListening('--forward', receiver.url)
  const [first, second] = await untilLines(command, 2)
  expect(first).toBe(`Forwarding events of ${dev.api_url} to ${receiver.url}; Ctrl-C stops it.`)
  const secret = /whsec_\S+$/.exec(second ?? '')?.[0] ?? ''
  const id = await send()
  // Accepted and, by the capture provider, sent.
  const lines = await untilLines(command, 4)
  expect(lines[2]).toMatch(new RegExp(`^[0-9:]{8} message\\.accepted +${id} → 200 in \\d+ ms$`))
  expect(lines[3]).toMatch(new RegExp(`^[0-9:]{8} recipient\\.sent +${id} b@example.org → 200 in \\d+ ms$`))
  const payloads = receiver.received.map(({ headers, body }) =>
    new Webhook(secret).verify(body, {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    }),
  )
  expect(payloads).toMatchObject([
    { type: 'message.accepted', data: { seq: 0, message_id: id, recipient: null } },
    {
      type: 'recipient.sent',
      timestamp: expect.any(String),
      data: { message_id: id, recipient: 'b@example.org', status: 'sent', tags: ['x'] },
    },
  ])
  expect(await stopped(command)).toMatchObject({ code: 0, stderr: '' })
  await receiver.close()
})

test('a local program that fails gets the same event again, with the same id, before the next one', async () => {
  const receiver = await receive((number) => (number === 1 ? 500 : 204))
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const command = startListening(
    '--json',
    '--types',
    'message.accepted',
    '--secret',
    secret,
    '--forward',
    receiver.url,
  )
  expect(JSON.parse((await untilLines(command, 1))[0] ?? '')).toMatchObject({ secret, forward: receiver.url })
  const ids = [await send(), await send()]
  const lines = (await untilLines(command, 3)).slice(1).map((line) => JSON.parse(line))
  expect(lines).toMatchObject([
    { type: 'message.accepted', message_id: ids[0], status: 204, attempts: 2, forwarded: true },
    { type: 'message.accepted', message_id: ids[1], status: 204, attempts: 1, forwarded: true },
  ])
  const [one, two, three] = receiver.received.map(({ headers }) => headers['webhook-id'])
  expect(one).toBe(two)
  expect(three).not.toBe(two)
  await stopped(command)
  await receiver.close()
})

test('a local program that stays away loses an event only with a line that says so', async () => {
  const receiver = await receive(() => 200)
  await receiver.close()
  const command = startListening('--types', 'message.accepted', '--forward', receiver.url)
  await untilLines(command, 2)
  const id = await send()
  const lines = await untilLines(command, 3)
  expect(lines[2]).toMatch(
    new RegExp(`message\\.accepted +${id} → ECONNREFUSED in \\d+ ms, given up after 4 attempts$`),
  )
  await stopped(command)
})

test('what the gateway refuses, and a missing gateway, is one line and exit code 1', async () => {
  const forward = ['--forward', 'http://127.0.0.1:9/hook']
  const run = (...args: string[]) =>
    runCommand(['listen', ...forward, ...args], { LETTERGATE_DATA_DIR: dataDir }).finished
  expect(await run('--types', 'nonsense')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^lettergate: the gateway refused to show events: .*\n$/),
  })
  expect((await run('--key', 'lg_live_nonsense')).code).toBe(1)
  expect((await run('--secret', 'x')).stderr).toBe(
    'lettergate: --secret must be whsec_ and the base64 of 24 to 64 bytes\n',
  )
  const elsewhere = { LETTERGATE_DATA_DIR: join(folder, 'none') }
  expect((await runCommand(['listen', ...forward], elsewhere).finished).stderr).toMatch(
    /^lettergate: there is no gateway to listen to: .*\n$/,
  )
})
