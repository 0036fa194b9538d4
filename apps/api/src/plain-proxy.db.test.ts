import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

const isInstalled = ['tinyproxy', 'curl'].every((tool) => spawnSync(tool, ['--version']).error === undefined)
if (!isInstalled) process.stdout.write('skipped: tinyproxy or curl is not installed\n')
const run = promisify(execFile)

describe.skipIf(!isInstalled)('behind a plain HTTP proxy that permits one host', () => {
  let api: TestApi
  let proxy: ChildProcess
  let folder: string
  let port: number
  beforeAll(async () => {
    api = await startTestApi()
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const address = probe.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    port = address.port
    probe.close()
    folder = await mkdtemp(join(tmpdir(), 'lettergate-proxy-'))
    await writeFile(join(folder, 'filter'), '^127\\.0\\.0\\.1$\n')
    const lines = [
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Timeout 600',
      'MaxClients 50',
      `Filter "${join(folder, 'filter')}"`,
      'FilterDefaultDeny Yes',
      'FilterExtended On',
    ]
    await writeFile(join(folder, 'conf'), `${lines.join('\n')}\n`)
    proxy = spawn('tinyproxy', ['-d', '-c', join(folder, 'conf')], { stdio: 'ignore' })
    for (let round = 0; round < 200; round++) {
      const socket = connect(port, '127.0.0.1')
      const isUp = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      if (isUp) return
      await sleep(25)
    }
    throw new Error('tinyproxy does not listen')
  })
  afterAll(async () => {
    proxy.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
    await api.close()
  })

  type Got = { status: number; fields: string; body: string }
  async function curl(path: string, ...more: string[]): Promise<Got> {
    const url = path.startsWith('http') ? path : `${api.url}${path}`
    const key = `authorization: Bearer ${api.tenant.liveKey}`
    const args = ['-s', '-i', '--proxy', `http://127.0.0.1:${port}`, '--noproxy', '', '-H', key, ...more, url]
    const { stdout } = await run('curl', args)
    const at = stdout.lastIndexOf('\r\n\r\n')
    // After a 100 Continue a second block follows.
    const fields = stdout.slice(0, at).split('\r\n\r\n').at(-1) ?? ''
    return { status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(fields)?.[1]), fields, body: stdout.slice(at + 4) }
  }
  const message = JSON.stringify({
    from: 'app@acme.example',
    to: ['user@example.net'],
    subject: 'Hi',
    text: 'Hi',
  })
  const send = (...more: string[]) =>
    curl('/v1/send', '-H', 'content-type: application/json', '-d', message, ...more)

  test('another host is refused by the proxy', async () => {
    expect((await curl('http://localhost:1/')).status).toBe(403)
  })

  test.each(['--http1.0', '--http1.1'])(
    '%s: send, read, poll and follow events, without cookies or redirects',
    async (version) => {
      const { next_cursor: cursor } = JSON.parse((await curl('/v1/events', version)).body)
      const sent = await send(version, '-H', 'expect: 100-continue')
      expect(sent.status).toBe(202)
      const { id } = JSON.parse(sent.body)
      const read = await curl(`/v1/messages/${id}`, version)
      expect(read).toMatchObject({ status: 200, body: expect.stringContaining(id) })
      const etag = /^etag: (.+)$/im.exec(read.fields)?.[1]?.trim() ?? ''
      // Waits for its whole second: nothing changes meanwhile.
      const polled = await curl(`/v1/messages/${id}?wait=1`, version, '-H', `if-none-match: ${etag}`)
      expect(polled.status).toBe(304)
      const events = await curl(`/v1/events?wait=5&cursor=${encodeURIComponent(cursor)}`, version)
      expect(events).toMatchObject({ status: 200, body: expect.stringContaining(id) })
      for (const { fields } of [sent, read, polled, events]) {
        expect(fields).not.toMatch(/^(set-cookie|location: http|upgrade):/im)
        expect(fields).toMatch(/^x-request-id:/im)
      }
    },
  )

  test('a long poll through the proxy is answered as soon as there is news', async () => {
    const { body } = await curl('/v1/events')
    const { next_cursor: cursor } = JSON.parse(body)
    const waiting = curl(`/v1/events?wait=20&cursor=${encodeURIComponent(cursor)}`)
    const sent = JSON.parse((await send()).body)
    expect((await waiting).body).toContain(sent.id)
  })

  test('a refusal reaches the client as it was written, with its fields', async () => {
    const refused = await send('-H', 'idempotency-key:  ', '-H', 'idempotency-key: ä')
    expect(refused.status).toBe(400)
    expect(refused.fields).toMatch(/^content-type: application\/problem\+json/im)
  })
})
