import { Problem } from '@lettergate/contracts/problems/problems'
import type { HookPath, OpenHook } from '@lettergate/core/provider-events'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../../deps.ts'
import { readBody } from '../../http/read-body.ts'
import { problemAnswers } from '../../http/schemas.ts'

const HookParams = z.object({
  provider: z.string().meta({ description: 'The provider of the connection.', examples: ['sendgrid'] }),
  connection: z
    .string()
    .meta({ description: 'Id of the connection.', examples: ['con_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
  token: z.string().meta({ description: 'The secret part of the URL.' }),
})

type Arrived = { path: HookPath; hook: OpenHook }

/** Takes the events of providers, at URLs that only they know. */
export function addReceiveEventRoutes(app: FastifyInstance, deps: ApiDeps): void {
  /** Found before the body is read: a wrong URL costs no memory. */
  const arrived = new WeakMap<FastifyRequest, Arrived>()

  function arrivedOf(request: FastifyRequest): Arrived {
    const found = arrived.get(request)
    if (!found) throw new Problem('not-found')
    return found
  }

  async function find(request: FastifyRequest): Promise<void> {
    const { data: path } = HookParams.safeParse(request.params)
    const hook = path && (await deps.hooks.find(path))
    // Which part of the URL is wrong is not said.
    if (!path || !hook) throw new Problem('not-found')
    arrived.set(request, { path, hook })
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, stream, done) => {
    const encoding = request.raw.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      const detail = 'Content-Encoding is not supported: send the body as it is.'
      return done(new Problem('unsupported-media-type', { detail }))
    }
    const bytesMax = arrivedOf(request).hook.events.bodyBytesMax
    readBody(stream, { bytesMax, budget: deps.budget }, (error, chunks, taken, length) => {
      request.bodyBytesTaken = taken
      if (error || chunks === null) return done(error)
      const [first] = chunks
      done(null, chunks.length === 1 && first ? first : Buffer.concat(chunks, length))
    })
  })

  // Some providers ask by HEAD or GET whether the URL is there.
  app.get('/v1/hooks/:provider/:connection/:token', {
    config: { public: true },
    schema: { hide: true },
    onRequest: find,
    handler: (_request, reply) => reply.code(200).type('text/plain').send(''),
  })

  app.post('/v1/hooks/:provider/:connection/:token', {
    config: { public: true },
    schema: {
      operationId: 'receiveEvent',
      summary: 'Receive events of a provider',
      description:
        'The provider of a connection sends its events here, in its own format; it gets the URL from `register-events`. The body is ' +
        'verified by the signature or the password of the provider, stored as it is, and then answered. It is applied to messages a ' +
        'moment later. An event that was received twice is applied once.',
      tags: ['Provider events'],
      security: [],
      params: HookParams,
      response: {
        200: { description: 'The events are stored.', content: { 'text/plain': { schema: z.string() } } },
        ...problemAnswers(401, 404, 413, 415, 503),
      },
    },
    onRequest: find,
    handler: async (request, reply) => {
      const { path, hook } = arrivedOf(request)
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      await deps.receiver.receive(path, hook, { headers: request.raw.headers, body })
      return reply.code(200).type('text/plain').send('')
    },
  })
}
