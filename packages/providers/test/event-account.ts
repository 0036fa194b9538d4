import { createProviders } from '../src/registry.ts'
import { requireFile } from './examples.ts'
import { type Exchange, type HttpPeer, playHttp, respond } from './http-peer.ts'

/** A text is sent as it is, anything else as JSON. */
export type FakeAnswer = [status: number, body: unknown]

/** A provider's API for webhooks in memory. */
export type FakeApi = {
  answer(exchange: Exchange): FakeAnswer
  /** Where it sends events now. */
  urls(): string[]
  /** Makes a webhook that is not ours. */
  add(url: string): void
  /** Makes one send nothing, as a person may. */
  switchOff(url: string): void
}

export type HookRequest = { headers: Record<string, string>; body: Buffer }
export type Proof = {
  /** By another secret than that of the webhook. */
  wrong?: boolean
  at?: Date
}

/** The parts of an account at a provider that sends events which tests of all of them need: `src/<id>/test/account.ts`. */
export type AccountKind = {
  /** A connection as it is stored, to the fake at this address. */
  connectionTo(base: string): { credentials: object; settings: object }
  /** Its API. `password`: the one that a webhook must be given, where the provider signs nothing; absent: any. */
  fake(password?: string): FakeApi
  /** A body around one event, signed or accompanied as the provider does for this URL; `got`: all requests to its API so far. */
  post(url: string, event: unknown, proof: Required<Proof>, got: readonly Exchange[]): HookRequest
  /** Secrets that are kept after a registration, as they are revealed; absent: the password. */
  secrets?: object
  /** Whether the provider shows its secret only with its first events. */
  tellsSecretLate?: true
  /** How it refuses a key that may not register webhooks. */
  refusal: FakeAnswer | ((exchange: Exchange) => FakeAnswer)
  /** Whether a missing permission looks like a wrong key to it. */
  refusesAsWrongKey?: true
  /** Whether the proof has a time in it. */
  hasTime?: true
  coversBody?: true
}

/** An account at a fake of a provider, which knows its webhooks and signs their events. */
export type EventAccount = {
  api: FakeApi
  peer: HttpPeer
  connection: { credentials: object; settings: object }
  post(url: string, event: unknown, proof?: Proof): HookRequest
  /** Refuses the next calls to its API. */
  refuse(answer: FakeAnswer | null): void
}

/** Every provider that sends events to a URL, with its account; the error names the file that is missing. */
export async function loadAccounts(): Promise<Record<string, AccountKind>> {
  const all = Object.values(createProviders()).filter(
    ({ events }) => events !== undefined && events.bodyBytesMax > 0,
  )
  const loaded = all.map(async ({ id }) => {
    await requireFile(id, 'account')
    const { account }: { account: AccountKind } = await import(`../src/${id}/test/account.ts`)
    return [id, account] as const
  })
  return Object.fromEntries(await Promise.all(loaded))
}

/** Starts a fake of a provider. */
export async function playAccount(kind: AccountKind): Promise<EventAccount> {
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

export const json = (value: unknown) => Buffer.from(JSON.stringify(value))
export const secondsOf = (date: Date) => String(Math.floor(date.getTime() / 1000))
/** A secret, or another one. */
export const other = (text: string, wrong: boolean) => (wrong ? `${text}-other` : text)

/** What was given when the webhook of this URL was made or changed the last time. */
export function givenFor(got: readonly Exchange[], url: string): Record<string, Record<string, string>> {
  const one = got.findLast(({ body }) => body.includes(JSON.stringify(url)))
  if (!one) throw new Error('no webhook of this URL')
  return JSON.parse(one.body)
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
