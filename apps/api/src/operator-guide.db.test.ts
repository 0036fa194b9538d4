import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi } from '../test/api.ts'

let api: TestApi
let adminKey: string
beforeAll(async () => {
  api = await startTestApi()
  adminKey = await api.addAdminKey()
})
afterAll(() => api.close())

type Example = { method: string; path: string; body: string | undefined; answer: unknown }

/** Each request of a page, with the answer below it. */
function readExamples(guide: string): Example[] {
  const page = readFileSync(new URL(`../../../docs/guides/${guide}`, import.meta.url), 'utf8')
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
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return typeof value
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([key, field]) => [key, shapeOf(field)]))
}

/** Follows the examples of a page in their order; ids of answers take the place of `ten_…` and `job_…`. */
async function follow(guide: string, key: string): Promise<number> {
  const examples = readExamples(guide)
  const ids = new Map<string, string>()
  const fill = (text: string) => text.replaceAll(/(ten|job)_…/g, (all) => ids.get(all) ?? all)
  for (const { method, path, body, answer } of examples) {
    const given = await api.call(method, fill(path), { key, ...(body !== undefined && { body: fill(body) }) })
    expect([method, path, given.text, Math.floor(given.status / 100)]).toEqual([method, path, given.text, 2])
    for (const [id, kind] of given.text.matchAll(/"((?:ten|job))_\w+"/g)) {
      const known = z.string().parse(kind)
      if (!ids.has(`${known}_…`)) ids.set(`${known}_…`, id.slice(1, -1))
    }
    if (answer !== undefined) expect(shapeOf(given.json)).toEqual(shapeOf(answer))
  }
  return examples.length
}

it('every example of the guide for operators works in the order of the guide, with the answer that it shows', async () => {
  expect(await follow('operator.md', adminKey)).toBeGreaterThanOrEqual(14)
})

it('every example of the guide to messages works, with the answer that it shows', async () => {
  expect(await follow('messages.md', api.tenant.liveKey)).toBe(4)
})
