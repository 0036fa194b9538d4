import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { portAnswers, waitUntil } from './ports.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const cleanup: AsyncDisposableStack[] = []
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((stack) => stack.disposeAsync()))
})

/** An echo server, and the bytes that it received. */
async function startEcho(): Promise<{ proxy: TcpProxy; heard: () => string; ends: () => number }> {
  const stack = new AsyncDisposableStack()
  cleanup.push(stack)
  let heard = ''
  let ends = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (piece) => {
      heard += piece.toString()
      socket.write(piece)
    })
    socket.on('end', () => {
      ends += 1
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const proxy = stack.use(await startTcpProxy({ target: port }))
  return { proxy, heard: () => heard, ends: () => ends }
}

function talkTo(port: number): { socket: Socket; heard: () => string; error: () => string | undefined } {
  const socket = connect({ host: '127.0.0.1', port })
  cleanup.at(-1)?.defer(() => void socket.destroy())
  let heard = ''
  let error: string | undefined
  socket.on('data', (piece) => {
    heard += piece.toString()
  })
  socket.on('error', (failure: NodeJS.ErrnoException) => {
    error = failure.code
  })
  return { socket, heard: () => heard, error: () => error }
}

test('it carries both directions in order, and forwards the end of a connection', async () => {
  const { proxy, ends } = await startEcho()
  const { socket, heard } = talkTo(proxy.port)
  const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('')
  socket.write(text)
  await waitUntil('the echo', 5_000, () => heard().length === text.length)
  expect(heard()).toBe(text)
  socket.end()
  await waitUntil('the goodbye', 5_000, () => ends() === 1 && proxy.connections() === 0)
})

test('latency delays each direction by its own time', async () => {
  const { proxy, heard: target } = await startEcho()
  proxy.latency({ up: 150, down: 250 })
  const { socket, heard } = talkTo(proxy.port)
  const start = performance.now()
  socket.write('ping')
  await waitUntil('the target', 5_000, () => target() === 'ping', 5)
  expect(performance.now() - start).toBeGreaterThanOrEqual(149)
  await waitUntil('the echo', 5_000, () => heard() === 'ping', 5)
  expect(performance.now() - start).toBeGreaterThanOrEqual(398)
})

test('it cuts after a number of bytes to the target, and the target has exactly those', async () => {
  const { proxy, heard: target } = await startEcho()
  proxy.cutAfter({ up: 10 })
  const { socket, error } = talkTo(proxy.port)
  socket.write('0123456789abcdef')
  await waitUntil('the reset', 5_000, () => error() === 'ECONNRESET')
  await waitUntil('the target', 1_000, () => target() === '0123456789').catch(() => undefined)
  // A reset may overtake what it follows; more than that never arrives.
  expect('0123456789'.startsWith(target())).toBe(true)
  proxy.cutAfter({})
  const next = talkTo(proxy.port)
  next.socket.write('whole again')
  await waitUntil('the echo', 5_000, () => next.heard() === 'whole again')
})

test('it cuts after a number of bytes to the client, and the target has received everything', async () => {
  const { proxy, heard: target } = await startEcho()
  proxy.cutAfter({ down: 4 })
  const { socket, heard, error } = talkTo(proxy.port)
  socket.write('0123456789')
  await waitUntil('the reset', 5_000, () => error() === 'ECONNRESET')
  expect(target()).toBe('0123456789')
  expect('0123'.startsWith(heard())).toBe(true)
})

test('frozen, it keeps connections open and carries nothing, not even their end; thawed, it carries all of it', async () => {
  const { proxy, heard: target, ends } = await startEcho()
  const { socket, heard, error } = talkTo(proxy.port)
  socket.write('a')
  await waitUntil('the echo', 5_000, () => heard() === 'a')
  proxy.freeze()
  socket.end('b')
  const late = talkTo(proxy.port)
  late.socket.write('c')
  await sleep(200)
  expect([target(), ends(), heard(), error(), late.error()]).toEqual(['a', 0, 'a', undefined, undefined])
  expect(proxy.connections()).toBe(2)
  proxy.thaw()
  await waitUntil('the rest', 5_000, () => heard() === 'ab' && late.heard() === 'c' && ends() === 1)
})

test('it resets open connections, and refuses new ones until it accepts again', async () => {
  const { proxy } = await startEcho()
  const { socket, heard, error } = talkTo(proxy.port)
  socket.write('a')
  await waitUntil('the echo', 5_000, () => heard() === 'a')
  proxy.refuse()
  expect(await portAnswers(proxy.port)).toBe(false)
  socket.write('b')
  await waitUntil('the open connection to live on', 5_000, () => heard() === 'ab')
  proxy.reset()
  await waitUntil('the reset', 5_000, () => error() === 'ECONNRESET')
  await proxy.accept()
  expect(await portAnswers(proxy.port)).toBe(true)
})

test.each([
  ['both ways', undefined, ['a', 'a', 'ab', 'b']],
  ['upwards alone', ['up'], ['a', 'a', 'ab', 'b']],
  ['downwards alone', ['down'], ['a', 'a', 'abb', 'b']],
] as const)(
  'silent %s, open connections lose everything and new ones work',
  async (_name, ways, expected) => {
    const { proxy, heard: target } = await startEcho()
    const { socket, heard, error } = talkTo(proxy.port)
    socket.write('a')
    await waitUntil('the echo', 5_000, () => heard() === 'a')
    proxy.silence(ways && { ways })
    socket.write('b')
    await sleep(200)
    const late = talkTo(proxy.port)
    late.socket.write('b')
    await waitUntil('the echo of the new one', 5_000, () => late.heard() === 'b')
    expect([heard(), heard(), target(), late.heard()]).toEqual(expected)
    expect(error()).toBeUndefined()
  },
)

test('lasting silence covers new connections until it ends, and chosen connections may be left out', async () => {
  const { proxy, heard: target } = await startEcho()
  const [first, second] = [talkTo(proxy.port), talkTo(proxy.port)]
  for (const { socket } of [first, second]) socket.write('a')
  await waitUntil('the echoes', 5_000, () => first.heard() === 'a' && second.heard() === 'a')
  proxy.silence({ of: (index) => index === 0, isLasting: true })
  const third = talkTo(proxy.port)
  for (const { socket } of [first, second, third]) socket.write('b')
  await sleep(200)
  expect([first.heard(), second.heard(), third.heard()].sort()).toEqual(['', 'a', 'ab'])
  expect(target()).toBe('aab')
  proxy.carryNew()
  const fourth = talkTo(proxy.port)
  fourth.socket.write('c')
  await waitUntil('the echo', 5_000, () => fourth.heard() === 'c')
})
