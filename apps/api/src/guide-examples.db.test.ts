import { readFileSync } from 'node:fs'
import { playSmtp, type SmtpPeer } from '@lettergate/providers/test/smtp-peer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/connections.md', import.meta.url), 'utf8')

let api: TestApi
let peer: SmtpPeer
beforeAll(async () => {
  api = await startTestApi({ egressAllow: ['127.0.0.1'] })
  peer = await playSmtp({ ehlo: ['mail.test', 'AUTH PLAIN LOGIN'] })
})
afterAll(async () => {
  await peer.close()
  await api.close()
})

type Example = { method: string; path: string; body: string | undefined; answer: unknown }

/** Requests that create an object. */
const CREATES = new Set(['/v1/connections', '/v1/routes'])
const Body = z.record(z.string(), z.unknown())

/** Each request of the page, with the answer below it. */
function readExamples(): Example[] {
  const blocks = page.matchAll(/```http\n(\S+) (\S+)\n([\s\S]*?)```\n(?:\n```json\n([\s\S]*?)```\n)?/g)
  return [...blocks].map(([, method = '', path = '', body = '', answer]) => ({
    method,
    path,
    body: body === '' ? undefined : body,
    answer: answer === undefined ? undefined : JSON.parse(answer),
  }))
}

/** The names of all fields, in the order of the alphabet. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, field === null ? 'null' : shapeOf(field)]),
  )
}

it('every example of the guide to connections works in the order of the guide, with the answer that the guide shows', async () => {
  const examples = readExamples()
  expect(examples.length).toBeGreaterThanOrEqual(7)
  let id = ''
  for (const { method, path, body: text, answer } of examples) {
    const body = text === undefined ? undefined : Body.parse(JSON.parse(text.replaceAll('con_…', id)))
    const server = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
    const settings = body?.settings === undefined ? {} : { settings: server }
    const given = await api.call(method, path.replace('con_…', id), {
      ...(body && { body: { ...body, ...settings } }),
    })
    expect([method, path, given.status]).toEqual([method, path, CREATES.has(path) ? 201 : 200])
    if (id === '') id = String(given.json.id)
    const shown = { ...given.json, ...(body?.settings === undefined ? {} : { settings: body.settings }) }
    if (answer !== undefined) expect(shapeOf(shown)).toEqual(shapeOf(answer))
  }
})
