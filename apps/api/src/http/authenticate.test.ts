import Fastify from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { addAuthentication } from './authenticate.ts'
import { addProblemDetails } from './problem-details.ts'
import { createWrongKeys } from './wrong-keys.ts'

/** A route that needs a key; `asked` are the keys that the database would have been asked for. */
function build() {
  const asked: string[] = []
  const app = Fastify()
  app.decorateRequest('principal', null)
  addProblemDetails(app, { logger: pino({ level: 'silent' }) })
  addAuthentication(app, {
    keys: {
      async verify(key) {
        asked.push(key)
        if (!key.startsWith('good')) return null
        return { mode: 'live', keyId: 'k', tenantId: 't', scopes: new Set(['messages:read']) }
      },
      isStranger: (key) => key !== 'good-familiar',
      close: () => {},
    },
    wrongKeys: createWrongKeys(),
  })
  app.get('/', { config: { scope: 'messages:read' }, handler: () => 'ok' })
  async function ask(key: string): Promise<number> {
    const headers = { authorization: `Bearer ${key}` }
    return app.inject({ url: '/', headers }).then(({ statusCode }) => statusCode)
  }
  return { asked, ask }
}

test('S14: after a hundred wrong keys, an address costs the database nothing but for keys that were good before', async () => {
  const { asked, ask } = build()
  const statuses: number[] = []
  for (let i = 0; i < 150; i++) statuses.push(await ask(`wrong-${i}`))
  expect(statuses.filter((status) => status === 401)).toHaveLength(100)
  expect(statuses.filter((status) => status === 429)).toHaveLength(50)
  expect(asked).toHaveLength(100)
  expect(await ask('good-new')).toBe(429)
  expect(asked).toHaveLength(100)
  expect(await ask('good-familiar')).toBe(200)
})
