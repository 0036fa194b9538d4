import type { Io, OutboundMessage, Provider } from '@lettergate/providers/provider'

const DEADLINE_MS = 180_000
const text = 'lorem ipsum dolor '.repeat(60)
const html = `<p>${text}</p>`

/** An adapter, and the same bytes without it. */
export type Contender = AsyncDisposable & {
  id: string
  /** Sends one message by the adapter. */
  send(number: number): Promise<void>
  /** Sends what one message is on the wire, and nothing else; called once the adapter has sent. */
  toBare(): Promise<{ name: string; run(): Promise<void> }>
  /** Further observations of the sending. */
  note?(): string
}

/** Sends messages by an adapter; an outcome that is not the usual one ends the bench. */
export function createSender(
  provider: Provider,
  stored: { credentials: object; settings: object },
  ways: Pick<Io, 'request' | 'connect'>,
): (number: number) => Promise<void> {
  const connection = {
    id: 'con_1',
    credentials: provider.credentials.parse(stored.credentials),
    settings: provider.settings.parse(stored.settings),
  }
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const io: Io = {
    ...ways,
    now: () => new Date(),
    signal,
    beginSignal: signal,
    answerSignal: signal,
    msLeft: () => DEADLINE_MS,
    replaceSecret: () => {},
  }
  return async (number) => {
    const outcome = await provider.send(messageOf(number), connection, io)
    if (outcome.kind !== 'accepted') throw new Error(`${provider.id}: ${JSON.stringify(outcome)}`)
  }
}

function messageOf(number: number): OutboundMessage {
  const id = `msg_01k9z8y7x6w5v4t3s2${String(number).padStart(8, '0')}`
  return {
    id,
    attemptKey: `${id}-0`,
    createdAt: new Date(),
    from: { address: 'app@acme.example' },
    to: [{ address: 'reader@example.org' }],
    cc: [],
    bcc: [],
    replyTo: [],
    envelopeTo: ['reader@example.org'],
    subject: 'Hello from the gateway',
    text,
    html,
    headers: {},
    attachments: [],
    tags: ['receipt'],
    metadata: {},
  }
}
