import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../src/lib/secret.ts'
import type { Io, Provider } from '../src/provider.ts'
import type { AccountKind } from './event-account.ts'
import { playHttp, respond } from './http-peer.ts'
import { createTestIo, failure } from './io.ts'

export const hookUrl = 'https://mail.example.com/v1/hooks/con_1/token'
export const hookPassword = 'a-password-of-events-1'
const foreignUrl = 'https://other.example.com/hook'

const cleanups: (() => Promise<void>)[] = []

/** Tests the guarantees of registering events, the same for every provider. */
export function describeRegistration(provider: Provider, own: AccountKind): void {
  const { id, events } = provider

  async function start(refuseAt = 0) {
    const api = own.fake(hookPassword)
    const { refusal } = own
    const refuse = typeof refusal === 'function' ? refusal : () => refusal
    let count = 0
    const peer = await playHttp((response, exchange) => {
      const answer = ++count === refuseAt ? refuse : api.answer
      const [status, body] = answer(exchange)
      respond(status, typeof body === 'string' ? body : JSON.stringify(body))(response, exchange)
    })
    const io = createTestIo()
    cleanups.push(io.close, peer.close)
    if (!events) throw new Error(`${id} has no events`)
    const stored = own.connectionTo(`http://127.0.0.1:${peer.port}`)
    const connection = {
      id: 'con_1',
      credentials: provider.credentials.parse(stored.credentials),
      settings: provider.settings.parse(stored.settings),
    }
    const kept: { secrets: unknown; live: boolean }[] = []
    const target = {
      url: hookUrl,
      password: new Secret(hookPassword),
      keepSecrets: async (secrets: unknown) => {
        kept.push({ secrets, live: api.urls().includes(hookUrl) })
      },
    }
    const register = (way: Io = io) => events.register(connection, target, way)
    const undo = (registration: unknown) =>
      events.unregister(connection, events.registration.parse(registration), io)
    return { api, peer, io, kept, register, undo, steps: events.steps(target), count: () => count }
  }

  describe(`registering the events of ${id}`, () => {
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup()
    })

    test('the provider sends events to the URL, and their secret is stored before', async () => {
      const { api, kept, register } = await start()
      expect(await register()).toMatchObject({ kind: 'registered' })
      expect(api.urls()).toEqual([hookUrl])
      expect(kept.map(({ secrets }) => reveal(secrets))).toEqual([own.secrets ?? { password: hookPassword }])
      expect(kept[0]?.live).toBe(own.tellsSecretLate === true)
    })

    test('a repeat creates no second webhook', async () => {
      const { api, register } = await start()
      await register()
      expect(await register()).toMatchObject({ kind: 'registered' })
      expect(api.urls()).toEqual([hookUrl])
    })

    test('a webhook that a person switched off is on again after a repeat', async () => {
      const { api, register } = await start()
      await register()
      api.switchOff(hookUrl)
      expect(api.urls()).toEqual([])
      expect(await register()).toMatchObject({ kind: 'registered' })
      expect(api.urls()).toEqual([hookUrl])
    })

    test('a created webhook is removed, also repeatedly, and webhooks of others stay', async () => {
      const { api, register, undo } = await start()
      api.add(foreignUrl)
      const made = await register()
      expect(api.urls().sort()).toEqual([hookUrl, foreignUrl].sort())
      if (made.kind !== 'registered') throw new Error('not registered')
      const stored = JSON.parse(JSON.stringify(made.registration))
      expect(await undo(stored)).toBeNull()
      expect(api.urls()).toEqual([foreignUrl])
      expect(await undo(stored)).toBeNull()
    })

    test('a refusal or a lost connection at any step is reported, and a repeat succeeds', async () => {
      const whole = await start()
      await whole.register()
      for (let step = 1; step <= whole.count(); step++) {
        const refused = await start(step)
        expect(await refused.register()).toMatchObject({
          kind: 'failed',
          problem: { code: expect.stringMatching(/^provider-/), advice: expect.any(Array) },
        })
        expect(await refused.register()).toMatchObject({ kind: 'registered' })
        expect(refused.api.urls()).toEqual([hookUrl])

        const cut = await start()
        let count = 0
        // The request arrives, its answer does not.
        const cutting: Io = {
          ...cut.io,
          request: async (request) => {
            const response = await cut.io.request(request)
            if (++count === step) throw failure('connection reset', true)
            return response
          },
        }
        expect(await cut.register(cutting)).toMatchObject({
          kind: 'failed',
          problem: { code: 'provider-unreachable' },
        })
        expect(await cut.register()).toMatchObject({ kind: 'registered' })
        expect(cut.api.urls()).toEqual([hookUrl])
      }
    })

    test('a missing permission is reported, and the steps for a person name the URL', async () => {
      const { register, steps } = await start(1)
      const code = own.refusesAsWrongKey ? 'provider-credentials-refused' : 'provider-permission-missing'
      expect(await register()).toMatchObject({ problem: { code } })
      expect(steps.join(' ')).toContain(hookUrl)
    })
  })
}

function reveal(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]))
}
