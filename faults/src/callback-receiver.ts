import { createServer, type ServerResponse } from 'node:http'
import type { Stack } from './stack.ts'

export type Callback = {
  /** Of the header field: the same on every attempt. */
  id: string
  at: number
  timestamp: number
  type: string
  messageId: string | null
  headers: Record<string, string>
  text: string
  status: number | null
}

export type CallbackReceiver = {
  url: string
  calls: Callback[]
  /** Calls that were not answered yet, now and at most. */
  open(): { now: number; most: number }
  down(): Promise<void>
  up(): Promise<void>
}

/** A receiver of callbacks that a test may take down and up again at the same place. */
export async function startReceiver(
  answer: (response: ServerResponse) => void = (response) => void response.writeHead(200).end('ok'),
  host = '127.0.0.1',
): Promise<CallbackReceiver> {
  const calls: Callback[] = []
  let [open, most, port] = [0, 0, 0]
  const server = () =>
    createServer((request, response) => {
      open++
      most = Math.max(most, open)
      response.on('close', () => {
        open--
      })
      let text = ''
      request.setEncoding('utf8')
      request.on('data', (part: string) => {
        text += part
      })
      request.on('end', () => {
        const body: { type: string; data: { message_id: string | null } } = JSON.parse(text)
        const call: Callback = {
          id: String(request.headers['webhook-id']),
          at: Date.now(),
          timestamp: Number(request.headers['webhook-timestamp']),
          type: body.type,
          messageId: body.data.message_id,
          headers: Object.fromEntries(
            ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
              name,
              String(request.headers[name]),
            ]),
          ),
          text,
          status: null,
        }
        calls.push(call)
        response.on('finish', () => {
          call.status = response.statusCode
        })
        answer(response)
      })
    })
  let running: ReturnType<typeof server> | null = null
  async function up(): Promise<void> {
    const started = server()
    await new Promise<void>((resolve) => started.listen(port, host, resolve))
    const address = started.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    port = address.port
    running = started
  }
  await up()
  return {
    url: `http://${host}:${port}/hook`,
    calls,
    open: () => ({ now: open, most }),
    up,
    async down() {
      const ended = running
      running = null
      ended?.closeAllConnections()
      await new Promise<void>((resolve) => (ended ? ended.close(() => resolve()) : resolve()))
    },
  }
}

/** Makes an endpoint as a tenant would. */
export async function createEndpoint(
  stack: Stack,
  apiKey: string,
  fields: { url: string; types?: string[]; headers?: Record<string, string> },
): Promise<{ id: string; secret: string }> {
  const response = await fetch(`${stack.apiUrl}/v1/endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the endpoint was refused: ${response.status} ${text}`)
  const made: { id: string; secret: string } = JSON.parse(text)
  return made
}

/** Lets time pass for an endpoint: everything that waits is earlier by `ms`, and what began is longer ago. */
export async function moveTime(stack: Stack, ms: number): Promise<void> {
  const by = [ms]
  await stack.pool.query({
    text: `update endpoint_state set paused_until = paused_until - $1 * interval '1 ms',
             failing_since = failing_since - $1 * interval '1 ms'`,
    values: by,
  })
  await stack.pool.query({
    text: `update delivery set due_at = due_at - $1 * interval '1 ms'`,
    values: by,
  })
}

/** Milliseconds until a paused endpoint is called next; null: none is paused and free. */
export async function pauseLeftMs(stack: Stack): Promise<number | null> {
  const { rows } = await stack.pool.query<{ ms: number }>({
    text: `select (extract(epoch from paused_until - now()) * 1000)::float8 as ms from endpoint_state
           where endpoint_id is not null and paused_until > now() and (lease_until is null or lease_until <= now())`,
  })
  return rows[0]?.ms ?? null
}
