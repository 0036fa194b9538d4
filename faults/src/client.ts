import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientAnswer, type ClientLedger, type ClientRequest, isSettled } from './client-ledger.ts'

export type Outgoing = {
  idempotencyKey: string
  to: string[]
  sendAt?: Date
  /** Laid over the fields of the request: a longer text, attachments. */
  fields?: Record<string, unknown>
}

export type Client = {
  /** Sends a request once. */
  send(outgoing: Outgoing): Promise<ClientRequest>
  /** Repeats it under the same key until it knows the result, as a careful client does. */
  sendUntilSettled(outgoing: Outgoing): Promise<ClientRequest>
  /** Repeats an earlier request once, under the same key. */
  askAgain(request: ClientRequest, outgoing: Outgoing): Promise<void>
  close(): void
}

const ANSWER_TIMEOUT_MS = 20_000
const REPEAT_AFTER_MS = 100
const GIVE_UP_AFTER_MS = 120_000

/** A client of POST /v1/send that writes every answer into the ledger. */
export function createClient(options: {
  /** A function is called before each attempt, with the number of attempts of this request so far. */
  url: string | ((tries: number) => string)
  apiKey: string
  ledger: ClientLedger
  connections: number
  /** How long it waits after an answer that settles nothing. */
  repeatAfterMs?: (answer: ClientAnswer | undefined) => number
}): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  const ask = (outgoing: Outgoing, tries: number) => {
    const url = typeof options.url === 'string' ? options.url : options.url(tries)
    return post(agent, { url, apiKey: options.apiKey }, outgoing)
  }
  const { repeatAfterMs = () => REPEAT_AFTER_MS } = options
  const open = ({ idempotencyKey, to }: Outgoing) => options.ledger.open(idempotencyKey, to.length)
  return {
    async send(outgoing) {
      const request = open(outgoing)
      request.answers.push(await ask(outgoing, request.answers.length))
      return request
    },
    async sendUntilSettled(outgoing) {
      const request = open(outgoing)
      const deadline = Date.now() + GIVE_UP_AFTER_MS
      do {
        if (request.answers.length > 0) await sleep(repeatAfterMs(request.answers.at(-1)))
        request.answers.push(await ask(outgoing, request.answers.length))
      } while (!isSettled(request) && Date.now() < deadline)
      return request
    },
    async askAgain(request, outgoing) {
      request.answers.push(await ask(outgoing, request.answers.length))
    },
    close: () => agent.destroy(),
  }
}

function post(
  agent: Agent,
  options: { url: string; apiKey: string },
  outgoing: Outgoing,
): Promise<ClientAnswer> {
  const { promise, resolve: settle } = Promise.withResolvers<ClientAnswer>()
  const startedAt = performance.now()
  const resolve = (answer: ClientAnswer) => settle({ ...answer, tookMs: performance.now() - startedAt })
  const body = JSON.stringify({
    from: 'app@acme.example',
    to: outgoing.to,
    subject: `Fault test ${outgoing.idempotencyKey}`,
    text: 'Hello from the fault tests.',
    ...(outgoing.sendAt ? { send_at: outgoing.sendAt.toISOString() } : {}),
    ...outgoing.fields,
  })
  const noAnswer = (error: Error) => resolve({ at: Date.now(), status: 0, failure: error.message })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${options.apiKey}`,
    'idempotency-key': outgoing.idempotencyKey,
  }
  const request = httpRequest(`${options.url}/v1/send`, {
    method: 'POST',
    agent,
    headers,
    timeout: ANSWER_TIMEOUT_MS,
  })
  request.on('timeout', () => request.destroy(new Error('no answer in time')))
  request.on('error', noAnswer)
  request.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
    })
    response.on('error', noAnswer)
    response.on('end', () =>
      resolve(answerOf(response.statusCode ?? 0, text, response.headers['retry-after'])),
    )
  })
  request.end(body)
  return promise
}

function answerOf(status: number, text: string, retryAfter: string | undefined): ClientAnswer {
  const at = Date.now()
  const body = parseObject(text)
  return status === 202
    ? { at, status, messageId: body.id }
    : { at, status, retryAfter, code: body.code, failure: text.slice(0, 300) }
}

function parseObject(text: string): { id?: string; code?: string } {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** Runs `work` for 0…count−1, at most `width` at a time, in order of their starts. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const runOne = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, runOne))
}

/** Keeps writing, `width` requests at a time, while the deed runs; then waits for every request to settle. */
export async function writeDuring(
  client: Client,
  options: { width: number; prefix: string },
  deed: () => Promise<void>,
): Promise<void> {
  let done = false
  let next = 0
  const runOne = async () => {
    while (!done) {
      await client.sendUntilSettled({
        idempotencyKey: `${options.prefix}-${next++}`,
        to: ['user@example.net'],
      })
    }
  }
  const running = Array.from({ length: options.width }, runOne)
  try {
    await deed()
  } finally {
    done = true
    await Promise.all(running)
  }
}
