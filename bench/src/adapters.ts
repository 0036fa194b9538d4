import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createEgress, type Egress } from '@lettergate/egress/egress'
import type { HttpRequest, Io, OutboundMessage, Provider } from '@lettergate/providers/provider'
import { createProviders, type ProviderId } from '@lettergate/providers/registry'
import { type Figure, type PartResult, ratioFigure } from './figure.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const MESSAGES = 4_000
const AT_ONCE = 50
const OVERHEAD_MICROS_MAX = 300
const DEADLINE_MS = 60_000
const WORDS = 'lorem ipsum dolor '.repeat(60)

/** How an adapter reaches the fake, and what the fake answers: as an accepting provider does. */
type Case = { credentials: object; settings?: object; status?: string; headers?: string[]; answer: unknown }

const cases: Partial<Record<ProviderId, Case>> = {
  ses: {
    credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' },
    settings: { region: 'eu-west-1' },
    answer: { MessageId: '0100018b5c3c0a4f-000000' },
  },
  sendgrid: {
    credentials: { api_key: 'SG.123' },
    status: '202 Accepted',
    headers: ['x-message-id: abc'],
    answer: '',
  },
  mailgun: {
    credentials: { api_key: 'key-123' },
    settings: { domain: 'mg.example.com', region: 'us' },
    answer: { id: '<a@mg.example.com>', message: 'Queued. Thank you.' },
  },
  mandrill: {
    credentials: { api_key: 'md-123' },
    answer: [{ email: 'reader@example.org', status: 'sent', _id: 'abc123' }],
  },
  sparkpost: {
    credentials: { api_key: 'key-123' },
    answer: { results: { total_rejected_recipients: 0, total_accepted_recipients: 1, id: '116' } },
  },
  postmark: {
    credentials: { server_token: 'token-1' },
    answer: { MessageID: 'abc', ErrorCode: 0, Message: 'OK' },
  },
  resend: { credentials: { api_key: 're_123' }, answer: { id: 'abc' } },
  brevo: {
    credentials: { api_key: 'xkeysib-1' },
    status: '201 Created',
    answer: { messageId: '<1@smtp-relay.example.com>' },
  },
}

/** What each adapter costs a message beside the bare request that it makes, 50 at once, to a fake in a process of its own. */
export async function benchAdapters(bed: TestBed): Promise<PartResult> {
  const providers: Record<string, Provider> = createProviders()
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const figures: Figure[] = []
  for (const [id, one] of Object.entries(cases)) {
    const provider = providers[id]
    if (provider) figures.push(await measure(provider, one, egress, bed.count(MESSAGES)))
  }
  await egress.close()
  return { figures, plots: [] }
}

async function measure(provider: Provider, one: Case, egress: Egress, count: number): Promise<Figure> {
  await using sink = await startSink(one)
  const connection = {
    id: 'con_1',
    credentials: provider.credentials.parse(one.credentials),
    settings: provider.settings.parse({ ...one.settings, base_url: sink.url }),
  }
  let recorded: HttpRequest | undefined
  const io: Io = {
    request: (request) => {
      recorded = request
      return egress.request(request)
    },
    connect: () => Promise.reject(new Error('HTTP alone')),
    now: () => new Date(),
    signal: AbortSignal.timeout(DEADLINE_MS * ROUNDS),
    msLeft: () => DEADLINE_MS,
    replaceSecret: () => {},
  }
  const send = async (number: number): Promise<void> => {
    const outcome = await provider.send(messageOf(number), connection, io)
    if (outcome.kind !== 'accepted') throw new Error(`${provider.id}: ${JSON.stringify(outcome)}`)
  }
  await cpuMicrosOf(count / 4, send)
  const request = recorded
  if (!request) throw new Error(`${provider.id} sent nothing`)
  const bare = async (): Promise<void> => void (await egress.request(request))
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(await cpuMicrosOf(count, bare))
    ours.push(await cpuMicrosOf(count, send))
  }
  const micros = (value: number) => `${Math.round(value)} µs`
  const overhead = median(ours) - median(theirs)
  return ratioFigure({
    name: `adapter ${provider.id}, processor beside the bare request, over the bound`,
    ours: micros(overhead),
    reference: `bound ${OVERHEAD_MICROS_MAX} µs`,
    ratio: overhead / OVERHEAD_MICROS_MAX,
    bound: { atMost: 1 },
    note: `rounds ${spread(ours, micros)}, bare request with the same body ${spread(theirs, micros)}: ${(median(ours) / median(theirs)).toFixed(2)} of it`,
  })
}

/** Processor time of this process for each, with 50 under way. */
async function cpuMicrosOf(count: number, work: (number: number) => Promise<void>): Promise<number> {
  let next = 0
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await work(next++)
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

function messageOf(number: number): OutboundMessage {
  const id = `msg_01k9z8y7x6w5v4t3s2${String(number).padStart(8, '0')}`
  return {
    ...{ id, attemptKey: `${id}-0`, createdAt: new Date(), from: { address: 'app@acme.example' } },
    ...{ to: [{ address: 'reader@example.org' }], cc: [], bcc: [], replyTo: [] },
    ...{ envelopeTo: ['reader@example.org'], subject: 'Hello from the gateway' },
    ...{
      text: WORDS,
      html: `<p>${WORDS}</p>`,
      headers: {},
      attachments: [],
      tags: ['receipt'],
      metadata: {},
    },
  }
}

async function startSink({ status = '200 OK', headers = [], answer }: Case) {
  const body = answer === '' ? '' : JSON.stringify(answer)
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...headers,
  ]
  const main = fileURLToPath(new URL('answering-sink-main.ts', import.meta.url))
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
  const child = fork(main, [bytes.toString('base64')], { stdio: 'inherit', execArgv: [] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
