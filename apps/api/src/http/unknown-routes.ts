import { Problem } from '@lettergate/contracts/problems/problems'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problem-details.ts'

export const URL_BYTES_MAX = 8_192

type KnownPath = { pattern: RegExp; methods: Set<string> }

function toPattern(url: string): RegExp {
  const escaped = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')
  return new RegExp(`^${escaped}$`)
}

/** 404 for what does not exist, 405 with Allow for what exists under another verb; call before any route is added. */
export function addUnknownRoutes(app: FastifyInstance): void {
  const paths = new Map<string, KnownPath>()
  app.addHook('onRoute', ({ url, method }) => {
    const path = paths.get(url) ?? { pattern: toPattern(url), methods: new Set<string>() }
    for (const name of [method].flat()) path.methods.add(name)
    paths.set(url, path)
  })
  app.setNotFoundHandler((request, reply) => {
    const url = request.raw.url ?? ''
    if (url.length > URL_BYTES_MAX) return sendProblem(request, reply, new Problem('uri-too-long'))
    const target = url.split('?', 1)[0] ?? ''
    const known = [...paths.values()].find(({ pattern }) => pattern.test(target))
    if (!known) return sendProblem(request, reply, new Problem('not-found'))
    const allow = [...known.methods].sort().join(', ')
    return sendProblem(request, reply, new Problem('method-not-allowed', { headers: { allow } }))
  })
}
