import { Problem } from '@lettergate/contracts/problems/problems'
import Fastify, { type FastifyInstance } from 'fastify'
import { apiRoutes } from './api-routes.ts'
import type { ApiDeps } from './deps.ts'
import { addRoutes } from './http/add-routes.ts'
import { addAnswerBudget } from './http/answer-budget.ts'
import { addAnswerInTime } from './http/answer-in-time.ts'
import { addAuthentication } from './http/authenticate.ts'
import { answerBrokenRequest, answerUnusualRequests } from './http/broken-requests.ts'
import { serializerCompiler, strictSerializerCompiler, validatorCompiler } from './http/compilers.ts'
import { addEntityTags } from './http/etag.ts'
import { addObservation } from './http/observe.ts'
import { addProblemDetails, sendProblem } from './http/problem-details.ts'
import { addQuotaToAnswers } from './http/rate-limit-fields.ts'
import { refuseOverload } from './http/refuse-overload.ts'
import { createRequestIds } from './http/request-id.ts'
import { addUnknownRoutes } from './http/unknown-routes.ts'
import { closeUnreadAnswers } from './http/unread-answers.ts'
import { createWrongKeys } from './http/wrong-keys.ts'
import { addOpenApi } from './openapi/document.ts'
import { addOperationRoutes } from './operations/index.ts'
import { providerEventRoutes } from './v1/provider-events/index.ts'
import { addReceiveEventRoutes } from './v1/provider-events/receive-event.ts'

/** Header block of one request; Node's default, set explicitly because a test depends on it. */
const HEADER_BYTES_MAX = 16_384
/** For the whole request, body included; sockets are checked once a second, and all must be closed after fifteen. */
const REQUEST_MS_MAX = 13_000

/** Longer than the 60 s of common load balancers, so that none sends a request on a connection that is just being closed. */
const KEEP_ALIVE_SECONDS = 72

/** Bounds memory and file descriptors; the unit and the proxy in `infra/` allow as many. */
const CONNECTIONS_MAX = 12_000

export type AppOptions = {
  /** Holds every answer against its schema. */
  checkAnswers?: boolean
  /** Connections that may be open at once; further ones are closed. */
  connectionsMax?: number
  /** How long a connection on which nothing happens is kept; every answer says so. */
  keepAliveSeconds?: number
  /** Addresses and CIDRs of proxies whose X-Forwarded-For names the caller. */
  trustedProxies?: readonly string[]
}

/** Builds the whole app from its dependencies; does not listen. */
export async function buildApp(deps: ApiDeps, options: AppOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({
    // Our own line per answer costs a tenth of a child logger per request.
    logger: false,
    genReqId: createRequestIds(),
    // In Node's options, because Fastify's requestTimeout does not set the interval at which sockets are checked.
    http: {
      requestTimeout: REQUEST_MS_MAX,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    // Fastify writes these two over Node's options.
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: (options.keepAliveSeconds ?? KEEP_ALIVE_SECONDS) * 1_000,
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    maxRequestsPerSocket: 100_000,
    // While it drains, a request on a socket that is still open is answered, and its socket closed.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // The longest address, with every character escaped.
    routerOptions: { maxParamLength: 800 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, request, reply) => void sendProblem(request, reply, new Problem('not-found')),
  })
  app.decorateRequest('principal', null)
  app.decorateRequest('arrivedAt', 0)
  app.decorateRequest('countAnswer', null)
  app.decorateRequest('isAccept', false)
  app.decorateRequest('bodyHash', null)
  app.decorateRequest('bodyBytesTaken', 0)
  app.decorateRequest('bodyBytes', 0)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(options.checkAnswers ? strictSerializerCompiler : serializerCompiler)
  answerUnusualRequests(app.server)
  closeUnreadAnswers(app.server)
  app.server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX
  app.server.on('drop', deps.metrics.countDropped)
  addProblemDetails(app, deps)
  addUnknownRoutes(app)
  addAuthentication(app, {
    keys: deps.keys,
    wrongKeys: createWrongKeys(),
    actors: deps.actors,
    limits: deps.limits,
    uses: deps.uses,
  })
  // After authentication, so that its check runs before the key is looked up.
  refuseOverload(app, deps)
  addAnswerInTime(app)
  // Before the count of answers: what it refuses is answered once.
  addAnswerBudget(app, deps.answers)
  addQuotaToAnswers(app, deps)
  addObservation(app, deps)
  addEntityTags(app)
  await addOpenApi(app)
  for (const group of apiRoutes) await addRoutes(app, deps, group)
  await app.register(async (scope) => addOperationRoutes(scope, deps))
  await addRoutes(app, deps, providerEventRoutes)
  await app.register(async (scope) => addReceiveEventRoutes(scope, deps))
  return app
}
