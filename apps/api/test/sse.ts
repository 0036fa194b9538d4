import { get, type IncomingMessage } from 'node:http'
import type { TestApi } from './api.ts'

export type Block = { id?: string; data?: string; retry?: string; comment?: string }

function toBlock(text: string): Block {
  const block: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
    block[name === '' ? 'comment' : name] = value
  }
  return block
}

export type EventStream = {
  status: number
  headers: IncomingMessage['headers']
  /** The next block; null: the stream has ended. */
  next(): Promise<Block | null>
  /** The next `count` events. */
  events(count: number): Promise<{ id: string; event: Record<string, unknown> }[]>
  /** Stops reading, and leaves the connection open. */
  pause(): void
  resume(): void
  closed: Promise<void>
  close(): void
}

/** A client of Server-Sent Events that reads block by block. */
export async function openStream(
  api: TestApi,
  query: string,
  options: { key?: string; lastEventId?: string } = {},
): Promise<EventStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${options.key ?? api.tenant.liveKey}`,
      ...(options.lastEventId && { 'last-event-id': options.lastEventId }),
    }
    get(`${api.url}/v1/events/stream${query}`, { headers, agent: false }, resolve).on('error', reject)
  })
  response.setEncoding('utf8')
  // A server that goes away in the midst of it is an end, too.
  response.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  const blocks: Block[] = []
  let rest = ''
  let wake = () => {}
  response.on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n\n')
    rest = parts.pop() ?? ''
    blocks.push(...parts.map(toBlock))
    wake()
  })
  let isOver = false
  response.once('close', () => {
    isOver = true
    wake()
  })
  async function next(): Promise<Block | null> {
    while (blocks.length === 0 && !isOver) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return blocks.shift() ?? null
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    async events(count) {
      const events: { id: string; event: Record<string, unknown> }[] = []
      while (events.length < count) {
        const block = await next()
        if (block === null) throw new Error('the stream ended')
        if (block.data !== undefined) events.push({ id: block.id ?? '', event: JSON.parse(block.data) })
      }
      return events
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    closed,
    close: () => void response.destroy(),
  }
}
