import { createServer, type Server } from 'node:http'
import type { Pool } from '@lettergate/db/pool'
import type { Registry } from 'prom-client'

/** `/metrics`, `/healthz` and `/readyz` of a worker, for the operator's network only. */
export function startOperationsServer(
  deps: { registry: Registry; pool: Pool; isDraining: () => boolean },
  address: { host: string; port: number },
): Promise<Server> {
  async function answer(path: string): Promise<{ status: number; type: string; body: string }> {
    if (path === '/metrics')
      return { status: 200, type: deps.registry.contentType, body: await deps.registry.metrics() }
    if (path === '/healthz') return { status: 200, type: 'text/plain', body: 'ok\n' }
    if (path !== '/readyz') return { status: 404, type: 'text/plain', body: 'not found\n' }
    if (deps.isDraining()) return { status: 503, type: 'text/plain', body: 'stopping\n' }
    await deps.pool.query({ text: 'select 1' })
    return { status: 200, type: 'text/plain', body: 'ready\n' }
  }

  const server = createServer((request, response) => {
    answer(request.url ?? '/').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(503, { 'content-type': 'text/plain' }).end('the database does not answer\n'),
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => resolve(server))
  })
}
