import { readFile } from 'node:fs/promises'
import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import { isProblemCode, Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance } from 'fastify'
import { renderMarkdown } from '../reference/markdown.ts'
import { sendPage } from '../reference/page.ts'

const FOLDER = new URL('../../../../docs/problems/', import.meta.url)

/** Serves the pages linked by `type` of an error answer and `help` of a failed attempt. */
export function addProblemPageRoute(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>('/problems/:code', {
    config: { public: 'page' },
    schema: { hide: true },
    handler: async (request, reply) => {
      const { code } = request.params
      // Only names of the table are ever made into a path.
      if (!isProblemCode(code) && !isFailureCode(code)) throw new Problem('not-found')
      const text = await readFile(new URL(`${code}.md`, FOLDER), 'utf8')
      return sendPage(reply, code, `<main>${renderMarkdown(text)}</main>`)
    },
  })
}
