import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { fakeAws } from '@lettergate/providers/test/fake-aws'
import { fakeMailgun } from '@lettergate/providers/test/fake-mailgun'
import { fakeMandrill } from '@lettergate/providers/test/fake-mandrill'
import { fakeSendgrid } from '@lettergate/providers/test/fake-sendgrid'
import { fakeWebhooks } from '@lettergate/providers/test/fake-webhooks'
import { type Exchange, type HttpPeer, playHttp, respond } from '@lettergate/providers/test/http-peer'
import type { FakeAnswer, FakeApi } from '@lettergate/providers/test/registration'
import { playSns, signNotification } from '@lettergate/providers/test/sns'
import { Webhook } from 'svix'

export type HookRequest = { headers: Record<string, string>; body: Buffer }
export type Signing = {
  /** By another secret than that of the webhook. */
  wrong?: boolean
  at?: Date
}

/** The parts of an account at a provider that differ. */
type Kind = {
  connectionTo(base: string): { credentials: object; settings: object }
  fake(): FakeApi
  /** A body around one event, signed or accompanied as the provider does for this URL; `got`: all requests to its API so far. */
  post(url: string, event: unknown, signing: Required<Signing>, got: readonly Exchange[]): HookRequest
  /** Whether the proof has a time in it. */
  hasTime?: true
  coversBody?: true
}

/** An account at a fake of a provider, which knows its webhooks and signs their events. */
export type EventAccount = {
  api: FakeApi
  peer: HttpPeer
  connection: { credentials: object; settings: object }
  post(url: string, event: unknown, signing?: Signing): HookRequest
  /** Refuses the next calls to its API. */
  refuse(answer: FakeAnswer | null): void
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const secondsOf = (date: Date) => String(Math.floor(date.getTime() / 1000))
const other = (text: string, wrong: boolean) => (wrong ? `${text}-other` : text)

/** What was given when the webhook of this URL was made or changed the last time. */
function givenFor(got: readonly Exchange[], url: string): Record<string, Record<string, string>> {
  const one = got.findLast(({ body }) => body.includes(JSON.stringify(url)))
  if (!one) throw new Error('no webhook of this URL')
  return JSON.parse(one.body)
}

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicText = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64')
const resendSecret = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz'
const otherResendSecret = 'whsec_MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEw'
const sns = playSns()

/** A day around now, as the server's time is the database's. */
sns.answerWithCertificate({
  from: new Date(Date.now() - 24 * 3_600_000),
  to: new Date(Date.now() + 24 * 3_600_000),
})

/** For the api: the host of SNS' certificates, and every address by which a subscription is confirmed. */
export function playCertificates() {
  const confirmed: string[] = []
  return {
    confirmed,
    request: async (request: Parameters<typeof sns.io.request>[0]) => {
      if (!request.url.includes('Action=ConfirmSubscription')) return sns.io.request(request)
      confirmed.push(request.url)
      return { status: 200, headers: {}, body: Buffer.from('<ok/>') }
    },
  }
}

/** The topic that a connection of SES gets: `id` is the uuid of the connection. */
export const topicOf = (id: string) => `arn:aws:sns:eu-west-1:123456789012:lettergate-${id}`

export const eventAccounts: Record<string, Kind> = {
  brevo: {
    connectionTo: (base) => ({ credentials: { api_key: 'secret' }, settings: { base_url: `${base}/v3` } }),
    fake: () =>
      fakeWebhooks({
        path: '/v3/webhooks',
        knows: ({ headers }) => headers['api-key'] === 'secret',
        urlOf: ({ url }) => url,
        list: (all) => ({ webhooks: all.map(({ id, url }) => ({ id, url })) }),
        one: ({ id }, isNew) => (isNew ? { id } : ''),
        isWhole: ({ auth }) => auth !== undefined,
      }),
    post: (url, event, { wrong }, got) => ({
      headers: { authorization: `Bearer ${other(givenFor(got, url).auth?.token ?? '', wrong)}` },
      body: json(event),
    }),
  },
  mailgun: {
    connectionTo: (base) => ({
      credentials: { api_key: 'key-123' },
      settings: { domain: 'mg.example.com', base_url: base },
    }),
    fake: () => fakeMailgun('key-of-webhooks-0'),
    post(_url, event, { wrong, at }) {
      const [timestamp, token] = [secondsOf(at), randomUUID()]
      const signature = createHmac('sha256', other('key-of-webhooks-0', wrong))
        .update(timestamp + token)
        .digest('hex')
      return { headers: {}, body: json({ signature: { timestamp, token, signature }, ...Object(event) }) }
    },
    hasTime: true,
  },
  mandrill: {
    connectionTo: (base) => ({ credentials: { api_key: 'md-secret' }, settings: { base_url: base } }),
    fake: () => fakeMandrill('auth-key-of-the-hook'),
    post(url, event, { wrong }) {
      const events = JSON.stringify([event])
      const signed = createHmac('sha1', other('auth-key-of-the-hook', wrong)).update(
        `${url}mandrill_events${events}`,
      )
      return {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-mandrill-signature': signed.digest('base64'),
        },
        body: Buffer.from(new URLSearchParams({ mandrill_events: events }).toString()),
      }
    },
    coversBody: true,
  },
  postmark: {
    connectionTo: (base) => ({
      credentials: { server_token: 'secret' },
      settings: { base_url: base, message_stream: 'news' },
    }),
    fake: () =>
      fakeWebhooks({
        path: '/webhooks',
        knows: ({ headers }) => headers['x-postmark-server-token'] === 'secret',
        urlOf: ({ Url }) => Url,
        list: (all) => ({ Webhooks: all.map(({ id, url }) => ({ ID: id, Url: url })) }),
        one: ({ id, url }) => ({ ID: id, Url: url }),
        isWhole: ({ HttpAuth }) => HttpAuth !== undefined,
      }),
    post(url, event, { wrong }, got) {
      const { Username = '', Password = '' } = givenFor(got, url).HttpAuth ?? {}
      return { headers: { authorization: basic(Username, other(Password, wrong)) }, body: json(event) }
    },
  },
  resend: {
    connectionTo: (base) => ({ credentials: { api_key: 're_secret' }, settings: { base_url: base } }),
    fake: () =>
      fakeWebhooks({
        path: '/webhooks',
        knows: ({ headers }) => headers.authorization === 'Bearer re_secret',
        urlOf: ({ endpoint }) => endpoint,
        list: (all) => ({
          object: 'list',
          data: all.map(({ id, url }) => ({ id: `wh_${id}`, endpoint: url })),
        }),
        one: ({ id }) => ({ object: 'webhook', id: `wh_${id}`, signing_secret: resendSecret }),
        isWhole: ({ events }) => Array.isArray(events),
        idOf: (id) => `wh_${id}`,
      }),
    post(_url, event, { wrong, at }) {
      const [id, body] = [`msg_${randomUUID()}`, json(event)]
      const signature = new Webhook(wrong ? otherResendSecret : resendSecret).sign(id, at, body.toString())
      return {
        headers: { 'svix-id': id, 'svix-timestamp': secondsOf(at), 'svix-signature': signature },
        body,
      }
    },
    hasTime: true,
    coversBody: true,
  },
  sendgrid: {
    connectionTo: (base) => ({ credentials: { api_key: 'SG.secret' }, settings: { base_url: base } }),
    fake: () => fakeSendgrid(publicText(keys.publicKey)),
    post(_url, event, { wrong, at }) {
      const body = Buffer.from(`${JSON.stringify([event])}\r\n`)
      const signed = Buffer.concat([Buffer.from(secondsOf(at)), body])
      const signature = sign('sha256', signed, (wrong ? otherKeys : keys).privateKey)
      return {
        headers: {
          'x-twilio-email-event-webhook-timestamp': secondsOf(at),
          'x-twilio-email-event-webhook-signature': signature.toString('base64'),
        },
        body,
      }
    },
    hasTime: true,
    coversBody: true,
  },
  ses: {
    connectionTo: (base) => ({
      credentials: { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'secret' },
      settings: { region: 'eu-west-1', configuration_set: 'events', base_url: base, sns_url: base },
    }),
    fake: fakeAws,
    post(_url, event, { wrong, at }, got) {
      const name = got
        .map(({ body }) => new URLSearchParams(body).get('Name'))
        .find((found) => found !== null)
      const topic = `arn:aws:sns:eu-west-1:123456789012:${other(name ?? '', wrong)}`
      const { headers, body } = signNotification(
        JSON.stringify(event),
        { secret: 0, at },
        { TopicArn: topic, MessageId: randomUUID() },
      )
      return {
        headers: {
          'content-type': 'text/plain',
          'x-amz-sns-message-type': headers['x-amz-sns-message-type'] ?? '',
        },
        body,
      }
    },
    hasTime: true,
    coversBody: true,
  },
  sparkpost: {
    connectionTo: (base) => ({
      credentials: { api_key: 'secret' },
      settings: { base_url: base },
    }),
    fake: () =>
      fakeWebhooks({
        path: '/api/v1/webhooks',
        knows: ({ headers }) => headers.authorization === 'secret',
        urlOf: ({ target }) => target,
        list: (all) => ({ results: all.map(({ id, url }) => ({ id: `w-${id}`, target: url })) }),
        one: ({ id }) => ({ results: { id: `w-${id}` } }),
        isWhole: ({ active }) => active === true,
        idOf: (id) => `w-${id}`,
      }),
    post(url, event, { wrong }, got) {
      const { username = '', password = '' } = givenFor(got, url).auth_credentials ?? {}
      return { headers: { authorization: basic(username, other(password, wrong)) }, body: json([event]) }
    },
  },
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** Starts a fake of a provider. */
export async function playEventAccount(id: string): Promise<EventAccount> {
  const kind = eventAccounts[id]
  if (!kind) throw new Error(`no account at ${id}`)
  const api = kind.fake()
  let refusal: FakeAnswer | null = null
  const peer = await playHttp((response, exchange) => {
    const [status, body] = refusal ?? api.answer(exchange)
    respond(status, typeof body === 'string' ? body : JSON.stringify(body))(response, exchange)
  })
  return {
    api,
    peer,
    connection: kind.connectionTo(`http://127.0.0.1:${peer.port}`),
    post: (url, event, { wrong = false, at = new Date() } = {}) =>
      kind.post(url, event, { wrong, at }, peer.got),
    refuse(answer) {
      refusal = answer
    },
  }
}
