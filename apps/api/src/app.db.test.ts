import { hash } from 'node:crypto'
import { createActorScope } from '@lettergate/db/actor'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'
import { addAuthentication } from './http/authenticate.ts'
import { createWrongKeys } from './http/wrong-keys.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

/** Every schema with properties anywhere in a document, with its place. */
function* objectsIn(value: unknown, path: string): Generator<[string, object]> {
  if (typeof value !== 'object' || value === null) return
  if ('properties' in value && typeof value.properties === 'object' && value.properties !== null) {
    for (const [name, field] of Object.entries(value.properties)) yield [`${path}/${name}`, field]
  }
  for (const [key, child] of Object.entries(value)) yield* objectsIn(child, `${path}/${key}`)
}

describe('the app', () => {
  it('does not start with a route that has neither a scope nor the mark public', () => {
    const app = Fastify()
    addAuthentication(app, {
      keys: { verify: async () => null, close: () => {} },
      wrongKeys: createWrongKeys(),
      actors: createActorScope(),
      limits: { take: () => null, takeAddress: () => null },
      uses: { note: () => {} },
    })
    expect(() => app.get('/v1/secret', () => 'x')).toThrow(/neither a scope nor public/)
    expect(() => app.get('/v1/open', { config: { public: true } }, () => 'x')).not.toThrow()
  })

  it('describes every field of the reference', async () => {
    const { json } = await api.call('GET', '/openapi.json')
    const bare = [...objectsIn(json, '')].filter(
      ([, field]) => !('description' in field) && !('$ref' in field),
    )
    expect(bare.map(([path]) => path)).toEqual([])
    expect(json.openapi).toMatch(/^3\.1/)
  })

  it('gives every call an id, a tag, a summary and its refusals', async () => {
    const { json } = await api.call('GET', '/openapi.json')
    for (const operations of Object.values(json.paths ?? {})) {
      for (const operation of Object.values(operations ?? {})) {
        expect(operation).toMatchObject({
          operationId: expect.any(String),
          tags: [expect.any(String)],
          summary: expect.any(String),
        })
      }
    }
  })

  it('shows the reference by scripts of its own origin, and allows no request to another host', async () => {
    const { status, text, headers } = await api.call('GET', '/docs', { key: null })
    expect(status).toBe(200)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; /)
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/)
    const [, inline = ''] = /<script[^>]*>([^<]+)<\/script>/.exec(text) ?? []
    expect(policy).toContain(`script-src 'self' 'sha256-${hash('sha256', inline, 'base64')}'`)
    expect(inline).toContain('"url": "/openapi.json"')
    const sources = [...text.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, source]) => source)
    expect(sources).toEqual(['/docs/scalar.js'])
    const script = await api.call('GET', '/docs/scalar.js', { key: null })
    expect(script.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(script.text).toContain('createApiReference')
  })

  it('serves a page for the type of every problem, and no other files', async () => {
    const { json } = await api.call('POST', '/v1/send', { body: {} })
    const page = await api.call('GET', String(json.type), { key: null })
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('How to fix') })
    expect((await api.call('GET', '/problems/README', { key: null })).status).toBe(404)
  })

  it('reports answers, accept latency and the age of the backlog to Prometheus', async () => {
    await api.call('POST', '/v1/send', {
      body: { from: 'a@acme.example', to: ['b@example.net'], subject: 'x', text: 'x' },
    })
    const text = await fetch(`${api.server.metricsUrl}/metrics`).then((answer) => answer.text())
    expect(text).toMatch(/^lettergate_accept_seconds_count 1$/m)
    expect(text).toMatch(
      /^lettergate_http_requests_total\{method="POST",route="\/v1\/send",status="202"\} 1$/m,
    )
    expect(text).toMatch(/^lettergate_outbox_messages\{state="ready"\} 1$/m)
    expect(text).toMatch(/^lettergate_outbox_oldest_seconds\{state="ready"\} [\d.]+$/m)
    expect(text).toMatch(/^process_resident_memory_bytes /m)
  })

  it('S14: serves metrics on a separate port, and nothing else there', async () => {
    expect((await api.call('GET', '/metrics', { key: null })).status).toBe(404)
    expect((await api.call('GET', '/metrics')).status).toBe(404)
    for (const path of ['/', '/v1/messages', '/healthz', '/metrics/']) {
      expect((await fetch(`${api.server.metricsUrl}${path}`)).status).toBe(404)
    }
  })

  it('reports that it is alive and ready', async () => {
    expect(await api.call('GET', '/healthz', { key: null })).toMatchObject({
      status: 200,
      json: { status: 'ok' },
    })
    expect(await api.call('GET', '/readyz', { key: null })).toMatchObject({
      status: 200,
      json: { status: 'ready' },
    })
  })
})
