import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnv } from '@lettergate/config/child-env'
import { afterEach, describe, expect, test } from 'vitest'
import { openListener } from '../../test/listener.ts'
import { connectRaw } from '../../test/raw-client.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(isProxied = true) {
  const opened = await openListener({ isOpen: true, isProxy: () => isProxied })
  cleanups.push(() => opened.listener.drain(0))
  return opened
}

const signature = '0d0a0d0a000d0a515549540a'
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const v4 = bytes(`${signature} 21 11 000c cb007107 c0000201 9c40 0019`)
const v6 = bytes(
  `${signature} 21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 9c40 0019`,
)
const withMore = bytes(`${signature} 21 11 0011 cb007107 c0000201 9c40 0019 0400020000`)

/** The address that the server takes for the client's. */
async function addressBy(...pieces: Buffer[]): Promise<string | undefined> {
  const { port, kept } = await open()
  const client = await connectRaw(port)
  cleanups.push(() => client.destroy())
  for (const piece of pieces) {
    client.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(await client.read()).toMatch(/^220/)
  await sendMail(client)
  return kept[0]?.view.remoteAddress
}

async function sendMail(client: { ask(line: string): Promise<string> }): Promise<void> {
  for (const line of ['EHLO a', 'MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>', 'DATA'])
    await client.ask(line)
  expect(await client.ask('From: a@b.example\r\n\r\nHi\r\n.')).toMatch(/^250/)
}

describe('a header of version 2 of the PROXY protocol', () => {
  test.each([
    ['IPv4', [v4], '203.0.113.7'],
    ['IPv6', [v6], '2001:db8::7'],
    ['IPv4, with more behind it', [withMore], '203.0.113.7'],
    ['IPv4, in pieces', [v4.subarray(0, 5), v4.subarray(5, 20), v4.subarray(20)], '203.0.113.7'],
    ['the proxy itself', [bytes(`${signature} 20 00 0000`)], '127.0.0.1'],
  ])('names the client: %s', async (_form, pieces, address) => {
    expect(await addressBy(...pieces)).toBe(address)
  })

  test.each([
    ['of another version', bytes(`${signature} 11 11 000c cb007107 c0000201 9c40 0019`)],
    ['without its addresses', bytes(`${signature} 21 11 0004 cb007107`)],
    ['that is too long', bytes(`${signature} 21 11 ffff cb007107`)],
    ['that is none', Buffer.from('EHLO a\r\n')],
  ])('%s ends the connection', async (_form, header) => {
    const { port, kept, errors } = await open()
    const client = await connectRaw(port)
    client.write(header)
    expect(await client.rest()).not.toMatch(/^220/)
    expect([kept, errors]).toEqual([[], []])
  })

  test('of somebody who is no proxy is refused', async () => {
    const { port } = await open(false)
    const client = await connectRaw(port)
    cleanups.push(() => client.destroy())
    expect(await client.read()).toMatch(/^220/)
    client.write(v4)
    expect(await client.rest()).toMatch(/^(421|500)/)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const inherited = childEnv({})
const env = { ...inherited, PATH: `${inherited.PATH}:/usr/sbin` }
const hasHaproxy = spawnSync('haproxy', ['-v'], { env }).status === 0

test.skipIf(!hasHaproxy).each(['send-proxy', 'send-proxy-v2'])(
  'mail through HAProxy with %s comes from the client, and not from HAProxy',
  async (option) => {
    const opened = await openListener({ isOpen: true, isProxy: (address) => address.endsWith('127.0.0.1') })
    cleanups.push(() => opened.listener.drain(0))
    const front = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'lg-haproxy-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(
      join(folder, 'haproxy.cfg'),
      `defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\nlisten mail\n bind 127.0.0.1:${front}\n server one 127.0.0.1:${opened.port} ${option}\n`,
    )
    const haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { env, stdio: 'ignore' })
    cleanups.push(() => haproxy.kill('SIGKILL'))
    await expect
      .poll(() => connectRaw(front).then((client) => client.destroy()), { timeout: 10_000 })
      .toBeUndefined()
    const client = await connectRaw(front, { from: '127.0.0.9' })
    cleanups.push(() => client.destroy())
    expect(await client.read()).toMatch(/^220/)
    await sendMail(client)
    expect(opened.kept[0]?.view.remoteAddress).toBe('127.0.0.9')
    expect(opened.errors).toEqual([])
  },
)
