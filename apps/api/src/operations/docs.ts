import type { FastifyInstance } from 'fastify'
import { ApiDocument } from '../reference/document.ts'
import { sendPage } from '../reference/page.ts'
import { renderReference } from '../reference/render-reference.ts'

/** The reference as a page for people. */
export function addDocsRoute(app: FastifyInstance): void {
  let page: string | null = null
  app.get('/docs', {
    config: { public: true },
    schema: { hide: true },
    handler: (_request, reply) => {
      page ??= renderReference(ApiDocument.parse(app.swagger()))
      return sendPage(reply, 'Lettergate reference', page)
    },
  })
}
