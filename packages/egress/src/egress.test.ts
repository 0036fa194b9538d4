import { connect as plainConnect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { listen, type TestServer, testTls } from '../test/listen.ts'
import { createEgress, type Egress } from './egress.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})
function keep<T extends { close(): Promise<void> }>(opened: T): T {
  cleanups.unshift(() => opened.close())
  return opened
}

/** For canaries: a port that no public host may be reached on would keep everybody out, whatever the address. */
const policyOf = (port: number) => ({
  ports: { http: [port], https: [port], smtp: [port], 'smtp-plain': [port] },
})
const answer = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`
const answering = (text = 'ok') =>
  listen((socket) => socket.on('data', () => socket.write(answer(text)))).then(keep)

describe('rebinding', () => {
  // 127.0.0.2 plays a public address, 127.0.0.1 an address that must never be reached.
  async function rebinding(): Promise<{
    canary: TestServer
    egress: Egress
    resolve: () => Promise<string[]>
    port: number
  }> {
    const canary = keep(await listen((socket) => socket.end()))
    keep(await listen((socket) => socket.end(), { host: '127.0.0.2', port: canary.port }))
    let asked = 0
    const resolve = async () => [asked++ % 2 === 0 ? '127.0.0.2' : '127.0.0.1']
    const egress = keep(createEgress({ allow: ['127.0.0.2'], resolve, policy: policyOf(canary.port) }))
    return { canary, egress, resolve, port: canary.port }
  }

  test('a name that changes its address between check and connection never reaches the private address', async () => {
    const { canary, egress, port } = await rebinding()
    for (let round = 0; round < 100; round++) {
      const target = { host: 'rebind.example.com', port, scheme: 'smtp' } as const
      await egress.checkResolvedTarget(target)
      await egress.connect(target).then(
        (socket) => socket.destroy(),
        () => {},
      )
      await egress
        .request({ method: 'GET', url: `http://rebind.example.com:${port}/`, headers: {} })
        .catch(() => {})
    }
    expect(canary.connections()).toBe(0)
  })

  test('control: check, then connect by name, reaches the private address', async () => {
    const { canary, resolve, port } = await rebinding()
    const [checked] = await resolve()
    expect(checked).toBe('127.0.0.2')
    await new Promise((done) => {
      const lookup = async (
        _name: string,
        _options: object,
        found: (error: null, all: { address: string; family: number }[]) => void,
      ) =>
        found(
          null,
          (await resolve()).map((address) => ({ address, family: 4 })),
        )
      plainConnect({ host: 'rebind.example.com', port, lookup, autoSelectFamily: true })
        .on('close', done)
        .resume()
    })
    expect(canary.connections()).toBe(1)
  })
})

describe('a refused target', () => {
  test('a literal address is refused although no look-up is asked for it', async () => {
    const canary = keep(await listen((socket) => socket.end(answer('secret'))))
    const egress = keep(createEgress({ allow: [], policy: policyOf(canary.port) }))
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', 'localhost']) {
      const request = { method: 'GET', url: `http://${host}:${canary.port}/`, headers: {} } as const
      await expect(egress.request(request)).rejects.toMatchObject({ refused: true, bodySent: false })
      await expect(egress.connect({ host, port: canary.port })).rejects.toMatchObject({ refused: true })
    }
    expect(canary.connections()).toBe(0)
  })

  test.each([301, 302, 303, 307, 308])(
    'a %d redirect to this machine is returned, not followed',
    async (status) => {
      const canary = keep(await listen((socket) => socket.end(answer('secret'))))
      const outside = keep(
        await listen(
          (socket) =>
            socket.on('data', () =>
              socket.write(
                `HTTP/1.1 ${status} Moved\r\nLocation: http://127.0.0.1:${canary.port}/\r\nContent-Length: 0\r\n\r\n`,
              ),
            ),
          { host: '127.0.0.2' },
        ),
      )
      const egress = keep(createEgress({ allow: ['127.0.0.2'], policy: policyOf(canary.port) }))
      const request = {
        method: 'POST',
        url: `http://127.0.0.2:${outside.port}/`,
        headers: {},
        body: 'x',
      } as const
      expect((await egress.request(request)).status).toBe(status)
      expect(canary.connections()).toBe(0)
    },
  )

  test('plain http to a public host is refused on every port', async () => {
    const egress = keep(createEgress({ allow: [], resolve: async () => ['8.8.8.8'] }))
    for (const url of [
      'http://api.example.com/',
      'http://api.example.com:443/',
      'http://api.example.com:587/',
    ]) {
      await expect(egress.request({ method: 'GET', url, headers: {} })).rejects.toMatchObject({
        refused: true,
      })
    }
  })
})

describe('a target that is saved', () => {
  const target = { host: 'mail.example.com', port: 587, scheme: 'smtp' } as const
  test.each([
    ['resolves to a public address', async () => ['8.8.8.8'], { ok: true }],
    ['resolves to a private address', async () => ['8.8.8.8', '10.9.8.7'], { ok: false, part: 'host' }],
    ['has no address', async () => [], { ok: false, part: 'unresolved' }],
    ['cannot be asked for', () => Promise.reject(new Error('no DNS')), { ok: false, part: 'unresolved' }],
    ['is not answered in time', () => new Promise<string[]>(() => {}), { ok: false, part: 'unresolved' }],
  ])('a name that %s: refused only by policy, and no address is shown', async (_, resolve, verdict) => {
    const egress = keep(createEgress({ allow: [], resolve }))
    const given = await egress.checkResolvedTarget({ ...target, timeoutMs: 20 })
    expect(given).toMatchObject(verdict)
    expect(JSON.stringify(given)).not.toContain('10.9.8.7')
  })

  test('the port is the reason for the refusal if the addresses are public', async () => {
    const egress = keep(createEgress({ allow: ['10.0.0.0/8:2500'], resolve: async () => ['8.8.8.8'] }))
    // Listed networks may be reached on it, so only the DNS can tell.
    expect(egress.checkTarget({ ...target, port: 2500 })).toMatchObject({ ok: true })
    expect(await egress.checkResolvedTarget({ ...target, port: 2500 })).toMatchObject({ part: 'port' })
  })
})

describe('connections', () => {
  test('a socket outlives the signal that bounded its connecting', async () => {
    const server = keep(await listen((socket) => socket.on('data', (data) => socket.write(data))))
    const egress = keep(createEgress({ allow: ['127.0.0.1'] }))
    const controller = new AbortController()
    const socket = await egress.connect({ host: '127.0.0.1', port: server.port, signal: controller.signal })
    controller.abort()
    socket.write('still here')
    expect(await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))).toBe(
      'still here',
    )
    socket.destroy()
  })

  test('a fired signal or a deadline ends the connecting, and a later connection is closed', async () => {
    let found: (addresses: string[]) => void = () => {}
    const resolve = () => new Promise<string[]>((done) => (found = done))
    const server = keep(await listen(() => {}))
    const egress = keep(createEgress({ allow: ['slow.example.com'], resolve }))
    const target = { host: 'slow.example.com', port: server.port }
    await expect(egress.connect({ ...target, timeoutMs: 20 })).rejects.toMatchObject({
      reason: 'connection timed out',
    })
    await expect(egress.connect({ ...target, signal: AbortSignal.abort() })).rejects.toMatchObject({
      bodySent: false,
    })
    found(['127.0.0.1'])
    await expect.poll(() => server.connections()).toBeLessThanOrEqual(1)
  })

  test('TLS is verified against the name, and a failure means that nothing was sent', async () => {
    const server = keep(
      await listen((socket) => socket.on('data', () => socket.write(answer('ok'))), { tls: true }),
    )
    const resolve = async () => ['127.0.0.1']
    const get = (egress: Egress, host: string) =>
      keep(egress).request({ method: 'GET', url: `https://${host}:${server.port}/`, headers: {} })
    const options = { allow: ['127.0.0.1'], resolve }
    const unknown = get(createEgress(options), 'mail.test')
    await expect(unknown).rejects.toMatchObject({
      bodySent: false,
      refused: false,
      reason: expect.stringContaining('TLS'),
    })
    const otherName = get(createEgress({ ...options, ca: testTls.cert }), 'other.example.com')
    await expect(otherName).rejects.toMatchObject({
      bodySent: false,
      reason: expect.stringContaining('ALTNAME'),
    })
    expect((await get(createEgress({ ...options, ca: testTls.cert }), 'mail.test')).body.toString()).toBe(
      'ok',
    )
  })

  test('calls that hang do not delay other calls to the same host', async () => {
    const server = keep(await listen(() => {}))
    const egress = keep(createEgress({ allow: ['127.0.0.1'] }))
    const url = `http://127.0.0.1:${server.port}/`
    const controller = new AbortController()
    const { signal } = controller
    for (let call = 0; call < 400; call++) {
      egress.request({ method: 'POST', url, headers: {}, body: 'x' }, { signal }).catch(() => undefined)
    }
    await expect.poll(() => server.connections(), { timeout: 5_000 }).toBe(400)
    controller.abort()
  })

  test('consecutive requests share connections', async () => {
    const server = await answering()
    const egress = keep(createEgress({ allow: ['127.0.0.1'] }))
    for (let round = 0; round < 20; round++) {
      await egress.request({
        method: 'POST',
        url: `http://127.0.0.1:${server.port}/`,
        headers: {},
        body: 'x',
      })
    }
    // Two, since undici looks at a connection once more before it gives it to the next request.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })
})
