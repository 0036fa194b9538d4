import { parentPort } from 'node:worker_threads'
import scalar from '@scalar/fastify-api-reference'
import Fastify from 'fastify'

const app = Fastify()
await app.register(scalar, {
  routePrefix: '/docs',
  configuration: {
    url: '/openapi.json',
    pageTitle: 'Lettergate reference',
    cdn: '/docs/scalar.js',
    // No request goes to another host.
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: 'never',
  },
})
const [page, script] = await Promise.all(
  ['/docs/', '/docs/js/scalar.js'].map(async (url) => (await app.inject(url)).body),
)
parentPort?.postMessage({ page, script })
