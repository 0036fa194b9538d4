import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createRefuser } from './refuser.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A server that says "given", with a refuser that was asked to take over. */
async function start() {
  const state = { waiting: 500, refused: 0, lines: [] as string[], isDraining: false, isClosing: false }
  const server = createServer((request, response) => {
    if (refuser.isDetour(request.socket)) response.setHeader('connection', 'close')
    request.resume().once('end', () => response.end(`given ${request.socket.remoteAddress}`))
  })
  const say = (...line: unknown[]) => state.lines.push(String(line.at(-1)))
  const refuser = createRefuser(
    server,
    {
      waiting: () => state.waiting,
      stopping: state,
      countRefused: (sends) => (state.refused += sends),
      logger: { info: say, warn: say },
    },
    { quietMs: 300, restartMs: 0, silentMs: 1_000 },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(
    () => refuser.stop(),
    () => NetServer.prototype.close.call(server),
    () => server.closeAllConnections(),
  )
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const send = async () => {
    // On a connection of its own.
    const headers = { connection: 'close' }
    const response = await fetch(`${url}/v1/send`, { method: 'POST', body: '{}', headers })
    return `${response.status} ${(await response.text()).slice(0, 15)}`
  }
  /** As many refusals as it takes, again until it has taken over. */
  async function overload() {
    refuser.prepare()
    await expect
      .poll(
        () => {
          for (let count = 0; count < 100; count++) refuser.onRefused()
          return server.listening
        },
        { timeout: 5_000 },
      )
      .toBe(false)
  }
  return { state, server, refuser, url, send, overload }
}

function childOf(pid: number): number {
  return Number(
    execFileSync('pgrep', ['-P', String(pid), '-f', 'refuser-main'])
      .toString()
      .trim(),
  )
}

test('another process refuses what comes on new connections, and lets in what there is room for and what is no send', async () => {
  const { state, refuser, url, send, overload } = await start()
  expect(refuser.mayEnd()).toBe(false)
  await overload()
  expect(refuser.mayEnd()).toBe(true)
  expect(await send()).toMatch(/^503 {"type":/)
  expect(await (await fetch(`${url}/readyz`)).text()).toBe('given 127.0.0.1')
  state.waiting = 0
  await expect.poll(send).toBe('200 given 127.0.0.1')
  expect(state.refused).toBeGreaterThan(0)
})

test('when nothing was refused for a while the server listens again, and connections that came round end with their answer', async () => {
  const { state, server, refuser, url, send, overload } = await start()
  await overload()
  const before = await fetch(`${url}/readyz`)
  expect(before.headers.get('connection')).toBe('keep-alive')
  await before.text()
  await expect.poll(() => server.listening, { timeout: 5_000 }).toBe(true)
  expect(refuser.mayEnd()).toBe(false)
  expect((await fetch(`${url}/readyz`)).headers.get('connection')).toBe('close')
  expect(await send()).toBe('200 given 127.0.0.1')
  expect(state.lines).toEqual([expect.stringMatching(/^overloaded/), 'no longer overloaded'])
  await overload()
  expect(await send()).toMatch('503')
})

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  'should it end or hang (%s), the server listens again by itself, and can be relieved again',
  async (signal) => {
    const { state, server, send, overload } = await start()
    await overload()
    process.kill(childOf(process.pid), signal)
    await expect.poll(() => server.listening, { timeout: 5_000 }).toBe(true)
    expect(await send()).toBe('200 given 127.0.0.1')
    expect(state.lines.at(-1)).toMatch('ended unexpectedly')
    await overload()
    expect(await send()).toMatch('503')
  },
)

test('a process that is told to stop takes back the server, and leaves none behind', async () => {
  const { state, server, refuser, send, overload } = await start()
  await overload()
  state.isDraining = true
  await expect.poll(() => server.listening, { timeout: 5_000 }).toBe(true)
  expect(await send()).toBe('200 given 127.0.0.1')
  const pid = childOf(process.pid)
  await refuser.stop()
  await expect.poll(() => isRunning(pid)).toBe(false)
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
