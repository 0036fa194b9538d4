import { readFileSync } from 'node:fs'
import { createDns } from '@lettergate/egress/dns'
import { type DnsServer, startDnsServer } from '@lettergate/egress/test/dns-server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/domains.md', import.meta.url), 'utf8')

let api: TestApi
let server: DnsServer
beforeAll(async () => {
  server = await startDnsServer({
    'ns.example': { A: ['127.0.0.1'] },
    'acme.example': { NS: ['ns.example'] },
  })
  api = await startTestApi({
    dns: createDns({ allow: [server.address], resolvers: [server.address], port: server.port }),
    gateway: { spfInclude: 'spf.gate.example', returnPathDomain: 'rp.gate.example', mayShare: false },
  })
})
afterAll(async () => {
  await api.close()
  await server.close()
})

const Body = z.record(z.string(), z.unknown())
const Records = z.array(z.looseObject({ name: z.string(), type: z.string(), value: z.string() }))

function examplesOf(text: string) {
  const blocks = text.matchAll(/```http\n(\S+) (\S+)\n([\s\S]*?)```\n(?:\n```json\n([\s\S]*?)```\n)?/g)
  return [...blocks].map(([, method = '', path = '', body = '', answer]) => ({
    method,
    path,
    body: body === '' ? undefined : Body.parse(JSON.parse(body)),
    answer: answer === undefined ? undefined : Body.parse(JSON.parse(answer)),
  }))
}

/** Field names, of lists those of the first entry. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, shapeOf(field)]),
  )
}

it('every example of the guide to domains works in the order of the guide, with the answer that the guide shows', async () => {
  const examples = examplesOf(page)
  expect(examples).toHaveLength(4)
  let id = ''
  for (const { method, path, body, answer } of examples) {
    const given = await api.call(method, path.replace('dom_…', id), { body })
    expect([method, path, given.status]).toEqual([method, path, path === '/v1/domains' ? 201 : 200])
    if (answer !== undefined) expect(shapeOf(given.json)).toEqual(shapeOf(answer))
    if (id !== '') continue
    id = String(given.json.id)
    for (const { name, type, value } of Records.parse(given.json.records))
      server.zone[name] = { ...server.zone[name], [type]: [value] }
  }
  expect((await api.call('GET', `/v1/domains/${id}`)).json.status).toBe('verified')
})
