import { createActorScope } from '@lettergate/db/actor'
import Fastify from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { addAuthentication } from './authenticate.ts'
import { addProblemDetails } from './problem-details.ts'
import { createWrongKeys } from './wrong-keys.ts'

/** A route that needs a key; `asked` records for each key whether it was looked up as a guess. */
function build() {
  const asked: boolean[] = []
  const app = Fastify()
  app.decorateRequest('principal', null)
  addProblemDetails(app, { logger: pino({ level: 'silent' }) })
  addAuthentication(app, {
    keys: {
      async verify(key, from) {
        asked.push(from?.isGuesser === true)
        if (key !== 'good') return null
        return { mode: 'live', keyId: 'k', tenantId: 't', scopes: new Set(['messages:read']) }
      },
      close: () => {},
    },
    wrongKeys: createWrongKeys(),
    actors: createActorScope(),
    limits: { take: () => null, takeAddress: () => null },
    uses: { note: () => {} },
  })
  app.get('/', { config: { scope: 'messages:read' }, handler: () => 'ok' })
  async function ask(key: string): Promise<number> {
    const headers = { authorization: `Bearer ${key}` }
    return app.inject({ url: '/', headers }).then(({ statusCode }) => statusCode)
  }
  return { asked, ask }
}

test('S14: after a hundred wrong keys of an address, its unknown keys are looked up as guesses and refused; a good key is never refused', async () => {
  const { asked, ask } = build()
  const statuses: number[] = []
  for (let i = 0; i < 150; i++) statuses.push(await ask(`wrong-${i}`))
  expect(statuses).toEqual([...Array(100).fill(401), ...Array(50).fill(429)])
  expect(asked).toEqual([...Array(100).fill(false), ...Array(50).fill(true)])
  expect(await ask('good')).toBe(200)
})
