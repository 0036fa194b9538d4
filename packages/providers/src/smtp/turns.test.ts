import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp, type Script } from '../../test/smtp-peer.ts'
import type { Io } from '../provider.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function start(script: Script) {
  const peer = await playSmtp(script)
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const settings = { host: '127.0.0.1', tls: 'none', allow_insecure: true, max_connections: 1 }
  const connection = {
    id: 'con_1',
    credentials: {},
    settings: smtp.settings.parse({ ...settings, port: peer.port }),
  }
  return { peer, send: (io: Io) => smtp.send(buildOutboundMessage(), connection, io) }
}

const busy = { kind: 'deferred', code: 'connection-busy' }
/** Answers each message after this time. */
const after =
  (ms: number): NonNullable<Script['message']> =>
  async (socket) => {
    await setTimeout(ms)
    socket.write('250 ok\r\n')
  }

describe('a message that did not get its turn in time', () => {
  test('counts as not begun, without effect on the server', async () => {
    const { peer, send } = await start({ message: after(400) })
    const first = send(createTestIo())
    expect(await send(createTestIo(5_000, { beginMs: 100 }))).toMatchObject(busy)
    expect(await first).toMatchObject({ kind: 'accepted' })
    expect(await send(createTestIo())).toMatchObject({ kind: 'accepted' })
    expect(peer.messages).toHaveLength(2)
    expect(peer.connections()).toBe(1)
  })

  test('leaves a connection that was ready too late to the next message', async () => {
    const { peer, send } = await start({})
    const io = createTestIo(5_000, { beginMs: 100 })
    const connect: Io['connect'] = async (target) => {
      await setTimeout(200)
      return io.connect(target)
    }
    expect(await send({ ...io, connect })).toMatchObject(busy)
    expect(peer.commands).not.toContain('DATA')
    expect(await send(createTestIo())).toMatchObject({ kind: 'accepted' })
    expect(peer.connections()).toBe(1)
  })
})

describe('a server that looks at a message before it answers', () => {
  test('is waited for beyond the deadline of the call', async () => {
    const { send } = await start({ message: after(500) })
    expect(await send(createTestIo(200, { answerMs: 5_000 }))).toMatchObject({ kind: 'accepted' })
  })

  test('is waited for no longer than the deadline of the answer', async () => {
    const { send } = await start({ message: () => {} })
    expect(await send(createTestIo(100, { answerMs: 300 }))).toMatchObject({ kind: 'unknown' })
  })

  test('is not waited for while it does not have the whole message', async () => {
    const { send } = await start({ data: '' })
    const before = performance.now()
    expect(await send(createTestIo(200, { answerMs: 20_000 }))).toMatchObject({
      kind: 'deferred',
      code: 'provider-unreachable',
    })
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('is not waited for by a worker that stops', async () => {
    const { send } = await start({ message: () => {} })
    const stop = new AbortController()
    const { signal } = stop
    const sending = send({ ...createTestIo(), signal, beginSignal: signal, answerSignal: signal })
    await setTimeout(200)
    stop.abort()
    expect(await sending).toMatchObject({ kind: 'unknown' })
  })
})

test('the limit of concurrent calls is the maximum of connections', () => {
  const { settings, callsMax } = createSmtp()
  const parse = (given: object) => settings.parse({ host: 'mail.example.com', port: 587, ...given })
  expect(callsMax?.(parse({ max_connections: 2 }))).toBe(2)
  expect(callsMax?.(parse({}))).toBe(20)
})
