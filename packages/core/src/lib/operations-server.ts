import { createServer, type Server } from 'node:http'
import type { Readiness } from './readiness.ts'

/** Of the library of metrics. */
type Registry = { contentType: string; metrics(): Promise<string> }

/** `/metrics` for the operator's network only; `/healthz` and `/readyz` too, of a process that serves no HTTP otherwise. */
export function startOperationsServer(
  deps: { registry: Registry; health?: { readiness: Readiness; isDraining(): boolean } },
  address: { host: string; port: number },
): Promise<Server> {
  async function answer(path: string): Promise<{ status: number; type: string; body: string }> {
    if (path === '/metrics')
      return { status: 200, type: deps.registry.contentType, body: await deps.registry.metrics() }
    const { health } = deps
    if (health && path === '/healthz') return { status: 200, type: 'text/plain', body: 'ok\n' }
    if (!health || path !== '/readyz') return { status: 404, type: 'text/plain', body: 'not found\n' }
    if (health.isDraining()) return { status: 503, type: 'text/plain', body: 'stopping\n' }
    return (await health.readiness.answers())
      ? { status: 200, type: 'text/plain', body: 'ready\n' }
      : { status: 503, type: 'text/plain', body: 'the database does not answer\n' }
  }

  const server = createServer((request, response) => {
    answer(request.url ?? '/').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(503, { 'content-type': 'text/plain' }).end('the figures could not be read\n'),
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => resolve(server))
  })
}
