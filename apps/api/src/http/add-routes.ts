import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApiDeps } from '../deps.ts'
import type { Tag } from '../openapi/tags.ts'
import { tenantOf } from './authenticate.ts'
import { bodyPassingCompiler } from './compilers.ts'
import { addCsvBody } from './csv-body.ts'
import type { RouteConfig } from './fastify-types.ts'
import { addJsonBody } from './json-body.ts'
import { pathId } from './path-id.ts'
import type { Declared, Route } from './route.ts'
import { idParam, problemAnswers } from './schemas.ts'

/** Routes that are about one thing and read their bodies in the same way. */
export type RouteGroup = {
  /** In the reference. */
  tag: Tag
  /** What the bodies are, if there are any: JSON of this length, or CSV. */
  body?: { jsonBytesMax: number } | 'csv'
  /** In the order of the reference. */
  routes: readonly Route[]
}

function problemStatuses({ id, params, query, body, bodyInReference, consumes, problems = [] }: Declared) {
  const hasBody = body !== undefined || bodyInReference !== undefined
  return [
    ...[401, 403, 503],
    ...(id || params ? [404] : []),
    ...(query ? [422] : []),
    ...(hasBody ? [413, 415, 422] : []),
    // Any text is CSV.
    ...(hasBody && !consumes ? [400] : []),
    ...problems,
  ]
}

function schemaOf(declared: Declared, tag: Tag) {
  const { operationId, summary, description, id, params, query, headers, consumes, answers } = declared
  const body = declared.body ?? declared.bodyInReference
  return {
    operationId,
    summary,
    description,
    tags: [tag],
    ...((id || params) && { params: z.object({ ...(id && { id: idParam(id) }), ...params }) }),
    ...(query && { querystring: query }),
    ...(headers && { headers }),
    ...(consumes && { consumes }),
    ...(body && { body }),
    response: { ...answers, ...problemAnswers(...problemStatuses(declared)) },
  }
}

/** A setting that a route may declare and that is forgotten below does not compile. */
type Complete<T> = { [name in keyof Required<T>]: T[name] }

function addRoute(
  app: FastifyInstance,
  deps: ApiDeps,
  { method, url, scope, declared, handle }: Route,
  tag: Tag,
): void {
  const { liveOnly, accepts, messages, takesLong, isStream, id: prefix, answers, bodyInReference } = declared
  const [status, ...others] = Object.keys(answers).map(Number)
  app.route<{ Params: { id?: string } }>({
    method,
    url,
    config: { scope, liveOnly, accepts, messages, takesLong } satisfies Complete<Omit<RouteConfig, 'public'>>,
    schema: schemaOf(declared, tag),
    ...(bodyInReference && { validatorCompiler: bodyPassingCompiler }),
    exposeHeadRoute: !isStream,
    handler: async (request, reply) => {
      const tenant = scope === 'admin' ? undefined : tenantOf(request)
      const id = prefix && pathId(prefix, request.params.id ?? '')
      if (status !== undefined && others.length === 0) reply.code(status)
      const value = await handle({
        deps,
        request,
        reply,
        ...(tenant && { tenant, tenantId: tenant.tenantId }),
        id,
        params: request.params,
        query: request.query,
        body: request.body,
      })
      // A reply that a handler returns is undefined here, once its stream has ended or its client has left.
      return value === undefined && !reply.raw.headersSent ? reply.send() : value
    },
  })
}

/** Adds routes to an app, in a scope of their own. */
export async function addRoutes(app: FastifyInstance, deps: ApiDeps, group: RouteGroup): Promise<void> {
  await app.register(async (scope) => {
    if (group.body === 'csv') addCsvBody(scope, deps)
    else if (group.body) addJsonBody(scope, { ...deps, bytesMax: group.body.jsonBytesMax })
    for (const route of group.routes) addRoute(scope, deps, route, group.tag)
  })
}
