import Fastify, { type FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createBodyBudget } from './body-budget.ts'
import { bodyPassingCompiler, serializerCompiler } from './compilers.ts'
import { addJsonBody } from './json-body.ts'

/** A route that takes any body, for the tenant `t`; `waitSeconds` is what the tenant has to wait now. */
async function build(waitSeconds = 0) {
  const charged: [string, number][] = []
  const app = Fastify()
  for (const [name, value] of Object.entries({
    bodyHash: null,
    bodyBytesTaken: 0,
    bodyBytes: 0,
    principal: null,
  })) {
    app.decorateRequest(name, value)
  }
  app.setValidatorCompiler(bodyPassingCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onRequest', async (request) => {
    request.principal = { mode: 'live', keyId: 'k', tenantId: 't', scopes: new Set() }
  })
  addJsonBody(app, {
    budget: createBodyBudget(1024 * 1024),
    bytesMax: 3_000,
    clock: Date,
    refusedBodies: {
      charge: (tenant, bytes) => charged.push([tenant, bytes]),
      waitSeconds: () => waitSeconds,
    },
  })
  const handler = async (request: FastifyRequest) => ({ got: request.body })
  const add = (url: string, schema: { body?: z.ZodType }) =>
    app.post(url, { config: { public: true }, schema, handler })
  add('/', { body: z.object({ a: z.unknown() }) })
  add('/optional', { body: z.strictObject({ a: z.string().optional() }) })
  add('/none', {})
  const send = async (payload: string) => {
    const headers = { 'content-type': 'application/json' }
    return app.inject({ method: 'POST', url: '/', headers, payload }).then(({ statusCode }) => statusCode)
  }
  return { app, charged, send }
}

test('S6: a refused body counts against the limit of its tenant, an accepted body does not', async () => {
  const { charged, send } = await build()
  expect(await send('{"a":1}')).toBe(200)
  expect(charged).toEqual([])
  expect(await send('{"a":1,"a":2}')).not.toBe(200)
  expect(await send(`{"a":[${Array(1_000).fill(0)},0]`)).not.toBe(200)
  expect(charged).toEqual([
    ['t', 13],
    ['t', 2_008],
  ])
})

test('S6: no body of a tenant is read while the tenant has to wait', async () => {
  const { charged, send } = await build(3)
  expect(await send('{"a":1}')).not.toBe(200)
  expect(charged).toEqual([])
})

test.each([
  ['/none', 200, {}],
  ['/optional', 200, { got: {} }],
  ['/', 400, { code: 'malformed-json' }],
])(
  'no bytes of the type JSON for %s, where a body is required only if it has a required field',
  async (url, status, answer) => {
    const { app } = await build()
    const headers = { 'content-type': 'application/json' }
    for (const more of [{ 'content-length': '0' }, {}]) {
      const { statusCode, body } = await app.inject({ method: 'POST', url, headers: { ...headers, ...more } })
      expect(statusCode).toBe(status)
      expect(JSON.parse(body)).toMatchObject(answer)
    }
  },
)

test('a body that may be left out needs no type', async () => {
  const { app } = await build()
  const { body } = await app.inject({ method: 'POST', url: '/optional' })
  expect(JSON.parse(body)).toEqual({ got: {} })
  expect((await app.inject({ method: 'POST', url: '/' })).statusCode).toBe(415)
})
