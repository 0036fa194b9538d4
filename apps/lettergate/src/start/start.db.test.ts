import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  ANY_PORTS,
  type Finished,
  processesOf,
  type RunningCommand,
  runCommand,
  untilNoProcesses,
  untilReady,
} from '../../test/run-command.ts'
import type { DevFile } from './dev-file.ts'

const Answer = z.object({ id: z.string().optional(), status: z.union([z.string(), z.number()]).optional() })

/** A start is four processes, and a test has several. */
vi.setConfig({ testTimeout: 120_000 })

type Gateway = { command: RunningCommand; dev: DevFile }

let folder: string
let dataDir: string
let running: Gateway | undefined
const started: RunningCommand[] = []

/** Tests share a folder, and most find a gateway that runs in it: a start takes seconds. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lettergate-start-'))
  dataDir = join(folder, 'data')
})
afterAll(async () => {
  for (const command of started) command.kill('SIGTERM')
  const left = await untilNoProcesses(folder, 15_000)
  rmSync(folder, { recursive: true, force: true })
  expect(left).toEqual([])
})

function start(env: Record<string, string> = {}): RunningCommand {
  const command = runCommand(['start'], { LETTERGATE_DATA_DIR: dataDir, API_PORT: '0', ...ANY_PORTS, ...env })
  started.push(command)
  return command
}

async function startReady(): Promise<Gateway> {
  const command = start()
  try {
    running = { command, dev: await untilReady(command, dataDir) }
    return running
  } catch (error) {
    // The next test finds the folder free.
    await end(command, 'SIGTERM')
    throw error
  }
}

async function end(command: RunningCommand, signal: NodeJS.Signals): Promise<Finished> {
  running = undefined
  command.kill(signal)
  return await command.finished
}

async function get(dev: DevFile, path: string) {
  const response = await fetch(`${dev.api_url}${path}`, {
    headers: { authorization: `Bearer ${dev.live_key}` },
  })
  return { status: response.status, body: Answer.parse(await response.json()) }
}

async function send(dev: DevFile): Promise<string> {
  const response = await fetch(`${dev.api_url}/v1/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${dev.live_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'a@example.com', to: 'b@example.org', subject: 's', text: 't' }),
  })
  expect(response.status).toBe(202)
  return Answer.parse(await response.json()).id ?? ''
}

async function runShell(script = ''): Promise<unknown> {
  const { stdout } = await promisify(execFile)('sh', ['-c', script])
  return JSON.parse(stdout)
}

/** A second after it was captured, mail is delivered. */
async function untilDelivered(dev: DevFile, id: string): Promise<void> {
  for (let i = 0; i < 400; i++, await sleep(25)) {
    if ((await get(dev, `/v1/messages/${id}`)).body.status === 'delivered') return
  }
  throw new Error(`message ${id} is not delivered`)
}

async function expectOneLine(command: RunningCommand, line: RegExp): Promise<void> {
  const { code, stdout, stderr } = await command.finished
  expect(stderr).toMatch(line)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stdout).toBe('')
  expect(code).toBe(1)
}

test('a first start sends a message; a second one on the same folder keeps messages and keys; both stop cleanly', async () => {
  const first = await startReady()
  const id = await send(first.dev)
  await untilDelivered(first.dev, id)
  expect(statSync(join(dataDir, 'dev.json')).mode & 0o777).toBe(0o600)
  expect(first.dev.pid).toBe(first.command.pid)
  expect(await end(first.command, 'SIGINT')).toMatchObject({ code: 0, stderr: '' })
  expect(processesOf(folder)).toEqual([])

  const second = await startReady()
  const { live_key, test_key, admin_key } = first.dev
  expect(second.dev).toMatchObject({ live_key, test_key, admin_key })
  expect((await get(second.dev, `/v1/messages/${id}`)).body.status).toBe('delivered')
  expect((await end(second.command, 'SIGTERM')).code).toBe(0)
  expect(processesOf(folder)).toEqual([])
})

test('a stale pid file with the number of an unrelated process prevents no start and harms no process', async () => {
  if (running) await end(running.command, 'SIGINT')
  writeFileSync(
    join(dataDir, 'postgres', 'postmaster.pid'),
    `${process.pid}\n${dataDir}\n1\n5432\n\n\n\nready\n`,
  )
  writeFileSync(join(dataDir, 'start.pid'), `${process.pid}\n`)
  await startReady()
})

test('the printed commands work when pasted: one sends, one reads the status', async () => {
  const { command, dev } = running ?? (await startReady())
  const text = command.stdout()
  for (const fact of [dev.api_url, `${dev.api_url}/docs`, dev.live_key, dev.test_key, dataDir]) {
    expect(text).toContain(fact)
  }
  expect(text.match(/^curl /gm)).toHaveLength(2)
  expect(text).not.toContain('\u001b')
  const sent = Answer.parse(await runShell(/^curl (?:.*\\\n)+.*$/m.exec(text)?.[0]))
  expect(sent.status).toBe('queued')
  const read = await runShell(/^curl [^\\\n]+$/m.exec(text)?.[0])
  expect(JSON.stringify(read)).toContain(sent.id)
})

test('a second start on a folder in use is refused and does not disturb the first', async () => {
  const first = running ?? (await startReady())
  await expectOneLine(start(), /already runs on/)
  expect((await get(first.dev, '/v1/messages')).status).toBe(200)
  expect(readFileSync(join(dataDir, 'dev.json'), 'utf8')).toContain(String(first.command.pid))
})

test('after kill -9 every child process ends soon, and the next start has every accepted message', async () => {
  const first = running ?? (await startReady())
  const ids = await Promise.all(Array.from({ length: 20 }, () => send(first.dev)))
  first.command.kill('SIGKILL')
  const second = await startReady()
  expect(second.dev.live_key).toBe(first.dev.live_key)
  for (const id of ids) expect((await get(second.dev, `/v1/messages/${id}`)).status).toBe(200)
})

test('an orphaned Postgres is stopped and replaced by the next start', async () => {
  const first = running ?? (await startReady())
  const services = processesOf(folder).filter((line) => line.includes('child-guard'))
  expect(services).toHaveLength(3)
  first.command.kill('SIGKILL')
  for (const line of services) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  expect(processesOf(folder).join()).toContain('bin/postgres')
  const second = await startReady()
  expect(second.dev.live_key).toBe(first.dev.live_key)
})

test('a process that dies is reported with its last lines, and all others are stopped', async () => {
  const { command } = running ?? (await startReady())
  running = undefined
  const api = processesOf(folder).find((line) => line.includes('apps/api'))
  process.kill(Number.parseInt(api ?? '', 10), 'SIGKILL')
  const { code, stderr } = await command.finished
  expect(stderr).toMatch(/api was ended by SIGKILL; its last lines \(.*api\.log\):/)
  expect(code).toBe(1)
  expect(processesOf(folder)).toEqual([])
})

test('a start that is interrupted leaves nothing behind, and the next start works', async () => {
  if (running) await end(running.command, 'SIGINT')
  dataDir = join(folder, 'interrupted')
  for (const delayMs of [150, 500, 1_000]) {
    const command = start()
    await sleep(delayMs)
    command.kill('SIGINT')
    await command.finished
    expect(processesOf(folder)).toEqual([])
  }
  await startReady()
})

test('a port in use is reported in one line, before anything is started', async () => {
  const unused = join(folder, 'unused')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expectOneLine(
    start({ LETTERGATE_DATA_DIR: unused, API_PORT: String(port) }),
    new RegExp(`port ${port} .*taken.*API_PORT`),
  )
  server.close()
  expect(() => statSync(join(unused, 'postgres'))).toThrow('ENOENT')
})

test('a folder that cannot be written is reported in one line', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expectOneLine(
    start({ LETTERGATE_DATA_DIR: join(folder, 'file', 'data') }),
    /cannot use the data folder .*LETTERGATE_DATA_DIR/,
  )
})

test('an invalid setting is reported in one line', async () => {
  await expectOneLine(start({ API_PORT: 'http' }), /API_PORT: must be a whole number/)
})

test('a database that does not answer is reported in one line', async () => {
  await expectOneLine(
    start({ LETTERGATE_DATA_DIR: join(folder, 'other'), DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x' }),
    /cannot prepare the database: .*ECONNREFUSED/,
  )
})
