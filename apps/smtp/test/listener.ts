import type { AddressInfo } from 'node:net'
import { createCaps } from '../src/session/caps.ts'
import { Listener } from '../src/session/listener.ts'
import { createMemory } from '../src/session/memory.ts'
import { type Reply, reply } from '../src/session/reply.ts'
import {
  defaultLimits,
  type ListenerOptions,
  type SessionHandlers,
  type SessionView,
} from '../src/session/session-options.ts'
import { makeSelfSigned } from '../src/tls/self-signed.ts'

export type TestUser = { name: string }
export type Kept = { mail: string; view: SessionView<TestUser> }

export const certificate = makeSelfSigned(['localhost', '127.0.0.1'], new Date())

/** A listener on a free port that knows one user with one password, and keeps what it takes. */
export async function openListener(
  change: Partial<Omit<ListenerOptions<TestUser>, 'handlers'>> & {
    handlers?: Partial<SessionHandlers<TestUser>>
    /** No AUTH: everybody may send. */
    isOpen?: boolean
  } = {},
): Promise<{ port: number; kept: Kept[]; errors: unknown[]; listener: Listener<TestUser> }> {
  const kept: Kept[] = []
  const errors: unknown[] = []
  const wrong: Reply = reply(535, '5.7.8', 'Wrong')
  const { handlers, isOpen, ...rest } = change
  const authenticate: SessionHandlers<TestUser>['authenticate'] = async ({
    method,
    username,
    password,
    validatePassword,
  }) => {
    const isRight = method === 'CRAM-MD5' ? validatePassword('secret') : password === 'secret'
    return isRight && username === 'ann' ? { user: { name: 'ann' } } : wrong
  }
  const listener = new Listener<TestUser>({
    hostName: 'mx.test',
    tls: 'starttls',
    certificate,
    mechanisms: { plain: ['CRAM-MD5'], secure: ['PLAIN', 'LOGIN', 'CRAM-MD5'] },
    limits: { ...defaultLimits, bytesMax: 100_000, recipientsMax: 3 },
    connections: createCaps(50, 20),
    memory: createMemory(1_000_000),
    refusesBareBreaks: true,
    onError: (error) => errors.push(error),
    handlers: {
      ...(!isOpen && { authenticate }),
      sender: async () => null,
      recipient: async (address) => (address.startsWith('no') ? reply(550, '5.7.1', 'Not this one') : null),
      async message({ mail }, view) {
        kept.push({ mail: mail.toString('latin1'), view })
        return reply(250, '2.0.0', `Ok: queued as msg_${kept.length}`)
      },
      ...handlers,
    },
    ...rest,
  })
  const server = await listener.open(0, '127.0.0.1')
  const { port } = server.address() as AddressInfo
  return { port, kept, errors, listener }
}
