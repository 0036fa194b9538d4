import type { FastifyInstance, FastifyReply } from 'fastify'
import { loadReference, type Reference } from '../reference/load-reference.ts'

function addFields(reply: FastifyReply, type: string): FastifyReply {
  return reply
    .header('content-type', `${type}; charset=utf-8`)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'public, max-age=300')
}

/** The reference as a page for people, with its script from this origin. */
export function addDocsRoute(app: FastifyInstance): void {
  const options = { config: { public: 'page' }, schema: { hide: true } } as const
  let loading: Promise<Reference> | null = null
  async function load(): Promise<Reference> {
    try {
      loading ??= loadReference()
      return await loading
    } catch (error) {
      loading = null
      throw error
    }
  }
  app.get('/docs', options, async (_request, reply) => {
    const { page, policy } = await load()
    return addFields(reply, 'text/html').header('content-security-policy', policy).send(page)
  })
  app.get('/docs/scalar.js', options, async (_request, reply) =>
    addFields(reply, 'text/javascript').send((await load()).script),
  )
}
