import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startTestApi } from '../test/api.ts'
import { appendTo, send, untilWaiting } from '../test/feed.ts'
import { openStream } from '../test/sse.ts'

// Each waits for a time that the api gives its clients, so all of them wait at the same time, each with an api of its own.
describe.concurrent('clients that never finish', () => {
  it.each([
    ['header', 'POST /v1/send HTTP/1.1\r\nhost: api\r\n'],
    [
      'body',
      'POST /v1/send HTTP/1.1\r\nhost: api\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    ],
  ])('a %s that never ends is answered 408 within 15 s', { timeout: 25_000 }, async (_, head) => {
    await using api = await startTestApi()
    const { hostname, port } = new URL(api.url)
    const socket = connect(Number(port), hostname)
    socket.write(head.replace('\r\n', `\r\nauthorization: Bearer ${api.tenant.liveKey}\r\n`))
    let text = ''
    await new Promise((resolve) =>
      socket
        .on('data', (chunk) => {
          text += chunk
        })
        .on('close', resolve)
        .on('error', resolve),
    )
    expect(text).toMatch(/^HTTP\/1.1 408 /)
    expect(text).toContain('"code":"request-timeout"')
  })
})

describe.concurrent('case 14: connections are kept', () => {
  /** Asks once, and again after a pause, on one socket; `closed`: the server had ended it by then. */
  async function askTwice(url: string, pauseMs: number): Promise<{ closed: boolean; answers: string[] }> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const answers: string[] = []
    socket.on('data', (data) => answers.push(data.toString('latin1')))
    socket.on('error', () => {})
    const ask = () => socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
    ask()
    await sleep(pauseMs)
    const closed = socket.readableEnded || socket.destroyed
    if (!closed) {
      const count = answers.length
      ask()
      while (answers.length === count && !socket.destroyed) await sleep(20)
    }
    socket.destroy()
    return { closed, answers }
  }

  it('for 72 s by default, also beyond the time that a request may take', { timeout: 40_000 }, async () => {
    await using api = await startTestApi()
    const { closed, answers } = await askTwice(api.url, 15_000)
    expect(closed).toBe(false)
    expect(answers).toHaveLength(2)
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\nkeep-alive: timeout=72\b/i)
  })

  it('as long as the setting says, and as the answers say', { timeout: 20_000 }, async () => {
    await using api = await startTestApi({ keepAliveSeconds: 2 })
    const [soon, late] = await Promise.all([askTwice(api.url, 300), askTwice(api.url, 6_000)])
    expect(soon.closed).toBe(false)
    expect(soon.answers[0]).toMatch(/\nkeep-alive: timeout=2\b/i)
    expect(late.closed).toBe(true)
  })
})

describe.concurrent('GET /v1/events/stream', () => {
  it('closes the connection of a client that reads nothing, and reads no further for it meanwhile', async () => {
    await using api = await startTestApi()
    const metadata = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`key${index}`, 'x'.repeat(1_000)]),
    )
    const messageId = await send(api, { change: { metadata } })
    // 30 MB as JSON: more than the buffers of the kernel.
    for (let i = 0; i < 3; i++) await appendTo(api.db.pool, { ...api.tenant, messageId, count: 1_000 })
    const stream = await openStream(api, '?cursor=beginning')
    stream.pause()
    await untilWaiting(api, 0, 'stream')
    stream.resume()
    let events = 0
    for (let block = await stream.next(); block !== null; block = await stream.next()) {
      if (block.data !== undefined) events++
    }
    expect(events).toBeLessThan(2_000)
  }, 60_000)
})
