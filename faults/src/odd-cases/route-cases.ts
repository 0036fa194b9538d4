import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Called,
  call,
  connect,
  idOf,
  largeMail,
  later,
  mail,
  type OddCase,
  type OddPlace,
} from './odd-case.ts'

const MANY = Array.from({ length: 50 }, (_, at) => `reader${at}@example.net`)
/** As many recipients as a message may have. */
const wide = (fields: object = {}) => mail({ send_at: later(), to: MANY, ...fields })
const ids = new WeakMap<OddPlace, string[]>()
const idsOf = (place: OddPlace) => ids.get(place) ?? []

async function sendLater(place: OddPlace, body: string | Buffer, count = 1): Promise<void> {
  await connect(place, 'capture', {}, {})
  const sent: string[] = []
  while (sent.length < count) sent.push(idOf(await call(place, 'POST', '/v1/send', body)))
  ids.set(place, sent)
}

/** Sends a request, reads nothing, and stays connected for the given time. */
async function askAndStay({ stack, apiKey }: OddPlace, path: string, ms: number): Promise<void> {
  const { hostname, port } = new URL(stack.apiUrl)
  const socket = connectSocket(Number(port), hostname).pause()
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: odd\r\nauthorization: Bearer ${apiKey}\r\n\r\n`)
  await sleep(ms)
  socket.destroy()
}

const readWide = (path: string): Pick<OddCase, 'prepare' | 'deed'> => ({
  prepare: (place) => sendLater(place, wide({ metadata: { k: 'x'.repeat(1_000) } }), 30),
  deed: (place) => call(place, 'GET', path.replace(':id', idsOf(place)[0] ?? '')),
})

/** Written once: making it again and again would measure this process. */
const once = (make: () => string): (() => Buffer) => {
  let made: Buffer | undefined
  return () => {
    made ??= Buffer.from(make())
    return made
  }
}
const manyKeys = once(() => {
  const keys = Array.from({ length: 400_000 }, (_, at) => `"k${at}":"\\u0000"`).join(',')
  return `{"metadata":{${keys}}}`
})
const longText = once(() => mail({ send_at: later(), text: '\n'.repeat(4_900_000) }))
const faultyBatch = once(() => {
  const bad = Object.fromEntries(MANY.map((name) => [`${name} ${'x'.repeat(40)}`, 'x']))
  const faulty = { ...JSON.parse(mail()), to: MANY.map((_, at) => `no address ${at}`), headers: bad }
  const messages = [JSON.parse(mail({ send_at: later() })), ...Array(499).fill(faulty)]
  return JSON.stringify({ messages })
})
const fullBatch = once(() => {
  const message = { ...JSON.parse(mail({ send_at: later() })), html: '<p>"ä"</p>\n'.repeat(5_800) }
  return JSON.stringify({ messages: Array(500).fill(message) })
})

const BY_HAND = JSON.stringify({ manual: true })
const oddEvents = once(() => '[{"msys":'.repeat(220_000))

/** The path of a URL of events, and the password that its provider sends along. */
function targetIn({ body }: Called): { path: string; password: string } {
  const { url, steps }: { url: string; steps: string[] } = JSON.parse(body)
  const [, password = ''] = /the password ([\w-]+)\./.exec(steps.join(' ')) ?? []
  return { path: new URL(url).pathname, password }
}

export const routeCases: OddCase[] = [
  {
    way: 'POST /v1/send',
    shape: 'files of 20 MB',
    deed: (place) => call(place, 'POST', '/v1/send', largeMail(true)),
  },
  {
    way: 'POST /v1/send',
    shape: 'JSON of 400,000 keys, and texts of 5 MB that need quoting',
    async deed(place) {
      await call(place, 'POST', '/v1/send', manyKeys())
      await call(place, 'POST', '/v1/send', longText())
    },
  },
  {
    way: 'POST /v1/send/batch',
    shape: '499 messages with 100 faults each, and one without',
    async deed(place) {
      await call(place, 'POST', '/v1/send/batch', faultyBatch())
    },
  },
  {
    way: 'POST /v1/send/batch',
    shape: '500 messages, 45 MB together',
    deed: (place) => call(place, 'POST', '/v1/send/batch', fullBatch()),
  },
  {
    way: 'GET /v1/messages/:id/raw',
    shape: 'files of 20 MB, by ten readers that read and ten that do not',
    prepare: (place) => sendLater(place, largeMail(true)),
    async deed(place) {
      const path = `/v1/messages/${idsOf(place)[0]}/raw`
      await Promise.all([
        ...Array.from({ length: 10 }, () => call(place, 'GET', path)),
        ...Array.from({ length: 10 }, () => askAndStay(place, path, 2_000)),
      ])
    },
  },
  {
    way: 'POST /v1/messages/status',
    shape: '1,000 ids of messages with 50 recipients',
    prepare: (place) => sendLater(place, wide(), 30),
    deed: (place) => {
      const asked = Array.from({ length: 1_000 }, (_, at) => idsOf(place)[at % 30])
      return call(place, 'POST', '/v1/messages/status', JSON.stringify({ ids: asked }))
    },
  },
  {
    way: 'GET /v1/messages',
    shape: 'pages of messages with 50 recipients',
    ...readWide('/v1/messages?limit=100'),
  },
  {
    way: 'GET /v1/messages/:id/events',
    shape: 'of a message with 50 recipients',
    ...readWide('/v1/messages/:id/events?limit=100'),
  },
  {
    way: 'POST /v1/connections/:id/test',
    shape: 'an answer of 800 kB',
    async prepare(place) {
      const settings = { region: 'eu-west-1', base_url: place.server.url }
      const credentials = { access_key_id: 'AKIDFAKE', secret_access_key: 'secret' }
      ids.set(place, [await connect(place, 'ses', credentials, settings)])
    },
    deed(place) {
      place.server.answers([['', { status: 403, body: JSON.stringify({ message: 'a'.repeat(800_000) }) }]])
      return call(place, 'POST', `/v1/connections/${idsOf(place)[0]}/test`, '{}')
    },
  },
  {
    way: 'POST /v1/hooks/:provider/:connection/:token',
    shape: 'a body of 2 MB that is no event, with the right password',
    async prepare(place) {
      const id = await connect(place, 'sparkpost', { api_key: 'secret' }, {})
      ids.set(
        place,
        Object.values(targetIn(await call(place, 'POST', `/v1/connections/${id}/register-events`, BY_HAND))),
      )
    },
    deed(place) {
      const [path = '', password = ''] = idsOf(place)
      return call({ ...place, apiKey: password }, 'POST', path, oddEvents())
    },
  },
]

/** Routes whose requests and answers are small by their schemas or by a limit of rows, each with the reason. */
export const ROUTES_APART: Record<string, string> = {
  'GET /v1/messages/:id': 'one message of at most 50 recipients: what a page has a hundred of',
  'GET /v1/messages/:id/attempts': '500 rows at most',
  'GET /v1/messages/:id/explain': 'one message and at most 50 connections',
  'POST /v1/messages/:id/cancel': 'no body, one message',
  'POST /v1/messages/:id/retry': 'no body, one message',
  'POST /v1/messages/:id/resolve': 'two short fields, one message',
  'POST /v1/connections': 'a body of 64 kB at most, one row',
  'GET /v1/connections': '50 connections at most',
  'GET /v1/connections/:id': 'one row',
  'PATCH /v1/connections/:id': 'a body of 64 kB at most, one row',
  'DELETE /v1/connections/:id': 'one row',
  'GET /v1/connections/:id/events': 'pages of at most 100 short rows',
  'POST /v1/routes': 'a body of 64 kB at most, one row',
  'GET /v1/routes': '100 routes at most',
  'GET /v1/routes/:id': 'one row',
  'PATCH /v1/routes/:id': 'a body of 64 kB at most, one row',
  'DELETE /v1/routes/:id': 'one row',
  'POST /v1/connections/:id/register-events':
    'a body of 64 kB at most, one row, a few requests to the provider',
  'POST /v1/connections/:id/register-events/rotate': 'as the registration',
  'GET /v1/connections/:id/register-events': 'one row',
  'DELETE /v1/connections/:id/register-events': 'one row, a few requests to the provider',
  'GET /v1/hooks/:provider/:connection/:token': 'no body, an empty answer',
  'GET /v1/events': 'pages of at most 200 events, 5,000 rows looked at',
  'GET /v1/events/stream': 'pages of 100 events, each sent before the next is read',
  'GET /v1/suppressions': 'pages of at most 100 short rows',
  'POST /v1/suppressions': '1,000 addresses at most, one statement',
  'GET /v1/suppressions/:address': 'two rows at most',
  'DELETE /v1/suppressions/:address': 'two rows at most',
  'POST /v1/suppressions/import': 'a body of 16 MB at most, stored in chunks and read by the worker',
  'POST /v1/suppressions/export': 'three short fields, one row',
  'GET /v1/suppressions/jobs/:id': 'one row',
  'GET /v1/suppressions/jobs/:id/csv': 'rows streamed as they are read',
  'POST /v1/inbound/routes': 'a body of 64 kB at most, one row',
  'GET /v1/inbound/routes': '200 routes at most',
  'POST /v1/inbound/routes/test': 'one short field, one look-up',
  'GET /v1/inbound/routes/:id': 'one row',
  'PATCH /v1/inbound/routes/:id': 'a body of 64 kB at most, one row',
  'DELETE /v1/inbound/routes/:id': 'one row',
  'GET /v1/inbound/address': 'one row',
  'POST /v1/inbound/mailboxes': 'one short field, one row',
  'GET /v1/inbound/mailboxes': '100 mailboxes at most',
  'GET /v1/inbound/mailboxes/:id': 'one row',
  'DELETE /v1/inbound/mailboxes/:id': 'one row, and 200 routes looked at',
  'GET /v1/inbound/mailboxes/:id/messages': 'pages of at most 100 short rows',
  'GET /v1/inbound/messages': 'pages of at most 100 short rows',
  'GET /v1/inbound/messages/:id': 'one mail, of which 2 MB of text and HTML are kept',
  'PATCH /v1/inbound/messages/:id': 'one short field, one row',
  'DELETE /v1/inbound/messages/:id': 'one row',
  'POST /v1/inbound/messages/:id/replay': 'no body, one row',
  'GET /v1/inbound/messages/:id/raw': 'as large as a mail may be, within the budget of answers',
  'GET /v1/inbound/messages/:id/attachments/:number': 'as the mail itself',
  'POST /v1/endpoints': 'a body of 64 kB at most, one row',
  'GET /v1/endpoints': '50 endpoints at most',
  'GET /v1/endpoints/:id': 'one row',
  'PATCH /v1/endpoints/:id': 'a body of 64 kB at most, one row',
  'DELETE /v1/endpoints/:id': 'one row, and what waits for it',
  'POST /v1/endpoints/:id/rotate-secret': 'no body, one row',
  'POST /v1/endpoints/:id/test': 'no body, one call whose answer is bounded',
  'GET /v1/endpoints/:id/deliveries': 'pages of at most 100 rows of 1 kB',
  'POST /v1/endpoints/:id/replay': 'three short fields, chunks of 5,000 rows by one statement each',
  'POST /v1/smtp-credentials': 'a body of 32 kB at most, one row',
  'GET /v1/smtp-credentials': '100 logins at most',
  'GET /v1/smtp-credentials/:id': 'one row',
  'PATCH /v1/smtp-credentials/:id': 'a body of 32 kB at most, one row',
  'DELETE /v1/smtp-credentials/:id': 'one row',
  'GET /v1/smtp-credentials/:id/settings': 'one row, and twelve texts of fixed length',
  'GET /v1/endpoints/default-secret': 'one row',
  'POST /v1/endpoints/default-secret/rotate': 'no body, one row',
}
