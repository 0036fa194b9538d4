import type { Scope, TenantPrincipal } from '@lettergate/core/keys'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { ApiDeps } from '../deps.ts'
import type { RouteConfig } from './fastify-types.ts'
import type { PathIdPrefix } from './schemas.ts'

/** An answer that is no problem: JSON (`answer`), a file, or nothing. */
type Answer = { description: string; content: Record<string, { schema: z.ZodType }> } | z.ZodNull

type ValueOf<A> = A extends { content: { 'application/json': { schema: infer S extends z.ZodType } } }
  ? z.output<S>
  : never

/** What a route says about itself besides its method and path: for the reference, for the checks and for its handler. */
export type Declared<
  I = PathIdPrefix,
  P = z.ZodRawShape,
  Q = z.ZodType,
  B = z.ZodType,
  A = Record<number, Answer>,
> = Omit<RouteConfig, 'scope' | 'public'> & {
  operationId: string
  summary: string
  description: string
  /** Of which kind the id in the path is. */
  id?: I
  /** The other parts of the path. */
  params?: P
  query?: Q
  /** Described for the reference; handlers and plugins read the fields themselves. */
  headers?: z.ZodType
  body?: B
  /** For a handler that reads the body itself: a schema for the reference alone. */
  bodyInReference?: z.ZodType
  consumes?: string[]
  /** A HEAD request would wait for the end of the stream. */
  isStream?: true
  /** If there is one, its status is set before the handler runs. */
  answers: A
  /** Statuses of refusals besides those that follow from the key, the path, the query and the body. */
  problems?: readonly number[]
}

/** A request as its handler sees it: each part has passed its schema. */
type Call<I, P extends z.ZodRawShape, Q extends z.ZodType, B extends z.ZodType> = {
  deps: ApiDeps
  request: FastifyRequest
  reply: FastifyReply
  /** The uuid behind the id in the path. */
  id: [I] extends [never] ? undefined : string
  params: z.output<z.ZodObject<P>>
  query: z.output<Q>
  body: z.output<B>
}

/** Who calls a route of tenants. */
type Caller = { tenant: TenantPrincipal; tenantId: string }

type AnyCall = Pick<Call<never, never, never, never>, 'deps' | 'request' | 'reply'> &
  Partial<Caller> & { id: unknown; params: unknown; query: unknown; body: unknown }

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'
type Url = `/v1/${string}`

/** An operation of the API. */
export type Route = {
  method: Method
  url: Url
  scope: Scope
  declared: Declared
  /** A method, because methods may take narrower parts: Fastify checks them by the schemas that their types come from. */
  handle(call: AnyCall): Promise<unknown>
}

type Answers = Record<number, Answer>
type Handled<A extends Answers> = A[keyof A] extends z.ZodNull
  ? Promise<void>
  : Promise<ValueOf<A[keyof A]> | FastifyReply>

/** An operation for keys of tenants that have the scope. */
export function tenantRoute<
  A extends Answers,
  I extends PathIdPrefix = never,
  P extends z.ZodRawShape = Record<never, never>,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  method: Method,
  url: Url,
  route: Declared<I, P, Q, B, A> & {
    scope: Exclude<Scope, 'admin'>
    handler(call: Call<I, P, Q, B> & Caller): Handled<A>
  },
): Route {
  const { scope, handler, ...declared } = route
  return { method, url, scope, declared, handle: handler }
}

/** An operation for keys of the operator. */
export function operatorRoute<
  A extends Answers,
  I extends PathIdPrefix = never,
  P extends z.ZodRawShape = Record<never, never>,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  method: Method,
  url: Url,
  route: Declared<I, P, Q, B, A> & { handler(call: Call<I, P, Q, B>): Handled<A> },
): Route {
  const { handler, ...declared } = route
  return { method, url, scope: 'admin', declared, handle: handler }
}
