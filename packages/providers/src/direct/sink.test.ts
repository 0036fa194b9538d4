import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { reaching, resolverOf } from '../../test/mail-host.ts'
import { createSmtp } from '../smtp/index.ts'
import { createDirect } from './index.ts'

const program = '/usr/sbin/smtp-sink'
const messages = 60

let sink: ChildProcess | undefined
afterEach(() => sink?.kill())

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The receiving half of Postfix's own test pair; it prints the commands that it received. */
async function startSink(...options: string[]) {
  const port = await freePort()
  sink = spawn(program, ['-v', '-u', 'nobody', ...options, `127.0.0.1:${port}`, '100'])
  let output = ''
  sink.stderr?.on('data', (piece) => {
    output += piece
  })
  for (let tries = 0; tries < 200 && !(await answers(port)); tries++) await setTimeout(25)
  return { port, count: (word: string) => output.split('\n').filter((line) => line.includes(word)).length }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => resolve(socket.end() !== undefined))
  })
}

describe.skipIf(!existsSync(program))('against smtp-sink', () => {
  test('direct: each domain gets its mail', async () => {
    const { port, count } = await startSink()
    const mx = (name: string) => ({ mx: [[10, name] as [number, string]] })
    const resolver = resolverOf({ 'a.example': mx('mx.a.example'), 'b.example': mx('mx.b.example') })
    const direct = createDirect({ resolver })
    const settings = direct.settings.parse({ helo_name: 'gate.example.net' })
    const io = reaching(createTestIo(), { 'mx.a.example': port, 'mx.b.example': port })
    const to = [{ address: '1@a.example' }, { address: '2@b.example' }]
    const connection = { id: 'con_1', credentials: {}, settings }
    expect(await direct.send(buildOutboundMessage({ to }), connection, io)).toMatchObject({
      kind: 'accepted',
    })
    await direct.close?.()
    expect(io.reached.sort()).toEqual(['mx.a.example', 'mx.b.example'])
    await expect.poll(() => count('RCPT TO:<')).toBeGreaterThanOrEqual(2)
  })

  test('direct: servers that refuse for now, for good, or hang up after the message', async () => {
    for (const [options, outcome] of [
      [['-r', 'RCPT'], { kind: 'deferred' }],
      [['-f', '.'], { kind: 'rejected', scope: 'message' }],
      [['-q', '.'], { kind: 'unknown' }],
    ] as const) {
      const { port } = await startSink(...options)
      const direct = createDirect({ resolver: resolverOf({}) })
      const instead_of_mx = { host: '127.0.0.1', port }
      const settings = direct.settings.parse({ helo_name: 'gate.example.net', instead_of_mx })
      const connection = { id: 'con_1', credentials: {}, settings }
      const result = await direct.send(buildOutboundMessage(), connection, createTestIo())
      expect([options, result]).toMatchObject([options, outcome])
      await direct.close?.()
      sink?.kill()
    }
  })

  test(`smtp: ${messages} messages over one connection`, async () => {
    const { port } = await startSink()
    const smtp = createSmtp()
    const settings = { host: '127.0.0.1', port, tls: 'none', allow_insecure: true, max_connections: 1 }
    const connection = { id: 'con_1', credentials: {}, settings: smtp.settings.parse(settings) }
    const io = reaching(createTestIo(20_000), { '127.0.0.1': port })
    for (let sent = 0; sent < messages; sent++)
      expect(await smtp.send(buildOutboundMessage(), connection, io)).toMatchObject({ kind: 'accepted' })
    expect(io.reached).toHaveLength(1)
    await smtp.close?.()
  })
})
