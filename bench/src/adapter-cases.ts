import type { ProviderId } from '@lettergate/providers/registry'
import { html } from './adapter-sender.ts'

type Answer = { status?: string; headers?: readonly string[]; body: unknown }

/** How an adapter reaches the fake, and what the fake answers: as a provider that accepts does. */
export type HttpCase = {
  credentials: object
  /** Besides the address of the API. */
  settings?: object | ((url: string) => object)
  /** Answers to what comes before the message, by the ends of their paths. */
  before?: Record<string, Answer>
  /** The answer to the message. */
  accepts: Answer
}

const token: Answer = { body: { access_token: 'token-of-a-bench', expires_in: 3599, token_type: 'Bearer' } }

/** Graph answers a draft with the whole of it. */
const draft: Answer = {
  status: '201 Created',
  body: {
    id: 'AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A',
    internetMessageId: '<DB7PR01MB1@eurprd01.prod.outlook.com>',
    subject: 'Hello from the gateway',
    isDraft: true,
    body: { contentType: 'html', content: html },
    toRecipients: [{ emailAddress: { name: '', address: 'reader@example.org' } }],
    ccRecipients: [],
    bccRecipients: [],
  },
}

/** Every provider that speaks HTTP. */
export const httpCases: Record<Exclude<ProviderId, 'capture' | 'smtp' | 'direct'>, HttpCase> = {
  ses: {
    credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' },
    settings: { region: 'eu-west-1' },
    accepts: { body: { MessageId: '0100018b5c3c0a4f-000000' } },
  },
  sendgrid: {
    credentials: { api_key: 'SG.123' },
    accepts: { status: '202 Accepted', headers: ['x-message-id: abc'], body: '' },
  },
  mailgun: {
    credentials: { api_key: 'key-123' },
    settings: { domain: 'mg.example.com', region: 'us' },
    accepts: { body: { id: '<a@mg.example.com>', message: 'Queued. Thank you.' } },
  },
  mandrill: {
    credentials: { api_key: 'md-123' },
    accepts: { body: [{ email: 'reader@example.org', status: 'sent', _id: 'abc123' }] },
  },
  sparkpost: {
    credentials: { api_key: 'key-123' },
    accepts: {
      body: { results: { total_rejected_recipients: 0, total_accepted_recipients: 1, id: '116' } },
    },
  },
  postmark: {
    credentials: { server_token: 'token-1' },
    accepts: { body: { MessageID: 'abc', ErrorCode: 0, Message: 'OK' } },
  },
  resend: { credentials: { api_key: 're_123' }, accepts: { body: { id: 'abc' } } },
  brevo: {
    credentials: { api_key: 'xkeysib-1' },
    accepts: { status: '201 Created', body: { messageId: '<1@smtp-relay.example.com>' } },
  },
  gmail: {
    credentials: { client_id: 'app-1', client_secret: 'secret-1', refresh_token: '1//refresh-1' },
    settings: (url) => ({ user: 'app@acme.example', token_url: `${url}/token` }),
    before: { '/token': token },
    accepts: { body: { id: '18c9a1f2b3d4e5f6', threadId: '18c9a1f2b3d4e5f6', labelIds: ['SENT'] } },
  },
  microsoft365: {
    credentials: { client_id: 'app-1', client_secret: 'secret-1' },
    settings: (url) => ({ tenant: 'acme.example', user: 'app@acme.example', login_url: url }),
    before: { '/token': token, '/messages': draft },
    accepts: { status: '202 Accepted', body: '' },
  },
}

/** The arguments of `answering-sink-main.ts`. */
export function toSinkArguments({ before = {}, accepts }: HttpCase): string[] {
  return Object.entries({ ...before, '': accepts }).map(
    ([pathEnd, answer]) => `${pathEnd} ${toWire(answer).toString('base64')}`,
  )
}

function toWire({ status = '200 OK', headers = [], body }: Answer): Buffer {
  const content = body === '' ? '' : JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(content)}`,
    ...headers,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${content}`)
}
