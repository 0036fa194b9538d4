import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { runCommand } from '../../test/run-command.ts'
import { listen } from './listen.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

type Asked = { after: string | null; wait: string | null }

/** A gateway with the given answers, request by request, and a program that takes what is forwarded. */
async function startBoth(answerTo: (asked: Asked, number: number) => object | null) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    if (request.method === 'POST') return void request.resume().on('end', () => response.end())
    const { searchParams } = new URL(request.url ?? '', 'http://gateway')
    const question = { after: searchParams.get('cursor'), wait: searchParams.get('wait') }
    const answer = answerTo(question, asked.push(question))
    response.writeHead(answer ? 200 : 503, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { detail: 'The storage does not answer.' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  return { url, asked, close: () => new Promise((resolve) => server.close(resolve)) }
}

const event = {
  seq: 0,
  type: 'message.accepted',
  at: '2026-11-20T09:30:00.000Z',
  message_id: 'msg_01m7wa5yjwe1qr5m7w1gzh99cc',
  recipient: null,
  status: null,
  reason: null,
  attempt: null,
  detail: null,
  connection: null,
  stream: 'transactional',
  tags: [],
  metadata: {},
}
const page = (next_cursor: string, data: object[] = []) => ({ data, next_cursor, has_more: false })

test('trouble is reported once, and its end too; what came meanwhile is forwarded', async () => {
  const gateway = await startBoth(({ after }, number) => {
    if (after === null) return page('one')
    if (number < 5) return null
    return after === 'one' ? page('two', [event]) : page('three')
  })
  const stop = new AbortController()
  const lines: string[] = []
  await listen({
    apiUrl: gateway.url,
    key: 'x',
    forward: `${gateway.url}/hook`,
    secret: SECRET,
    json: false,
    isColoured: false,
    signal: stop.signal,
    write: (line) => {
      lines.push(line)
      if (line.includes('message.accepted')) stop.abort()
    },
    warn: (line) => void lines.push(line),
  })
  expect(lines).toEqual([
    expect.stringContaining('Forwarding events'),
    'The storage does not answer; trying again',
    `${gateway.url} answers again`,
    expect.stringContaining('message.accepted'),
  ])
  // Its first answer after trouble comes at once.
  expect(gateway.asked.at(-1)).toEqual({ after: 'one', wait: '0' })
  await gateway.close()
})

test('it ends when the program that reads its output has ended', async () => {
  const gateway = await startBoth(({ after }) => page('one', after === null ? [] : [event]))
  const forward = `${gateway.url}/hook`
  const command = runCommand(['listen', '--api', gateway.url, '--key', 'x', '--forward', forward], {})
  while (command.stdout() === '') await sleep(20)
  command.closeOutput()
  expect(await command.finished).toMatchObject({ code: 0, stderr: '' })
  await gateway.close()
})
