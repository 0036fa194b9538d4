import { readFileSync } from 'node:fs'
import { runDataTurn } from '@lettergate/core/data-life'
import { noFailpoint } from '@lettergate/core/lib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/data.md', import.meta.url), 'utf8')

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

/** Each request of the page, in its order. */
function readExamples() {
  return [...page.matchAll(/```http\n(\S+) (\S+)\n([\s\S]*?)```/g)].map(
    ([, method = '', path = '', body = '']) => ({
      method,
      path,
      body: body === '' ? undefined : JSON.parse(body),
    }),
  )
}

it('every request of the guide to data works in the order of the guide', async () => {
  const examples = readExamples()
  expect(examples.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /v1/export',
    'GET /v1/export/job_…',
    'POST /v1/erasures',
    'GET /v1/erasures/job_…',
  ])
  let id = ''
  for (const { method, path, body } of examples) {
    const answer = await api.call(method, path.replace('job_…', id), { ...(body && { body }) })
    expect([path, answer.status]).toEqual([path, method === 'POST' ? 202 : 200])
    if (method === 'POST') id = String(answer.json.id)
    else expect(answer.json.state).toBe('done')
    while (await runDataTurn({ pool: api.db.batch, failpoint: noFailpoint, onError: () => {} }));
  }
})

it('the job that the guide shows has the fields of a real one', async () => {
  const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  const { json } = await api.call('POST', '/v1/export', { body: { content: true } })
  expect(Object.keys(JSON.parse(shown))).toEqual(Object.keys(json))
})

it('the guide names the days of the plans as they are', async () => {
  const { rows } = await api.db.pool.query({
    text: `select name, content_days, record_days from plan where name in ('free', 'standard', 'scale') order by 1`,
  })
  expect(rows).toEqual([
    { name: 'free', content_days: 7, record_days: 30 },
    { name: 'scale', content_days: 30, record_days: 90 },
    { name: 'standard', content_days: 30, record_days: 90 },
  ])
  expect(page).toContain('`content_days` of the plan: 7 (`free`) or 30')
  expect(page).toContain('`record_days` of the plan: 30 (`free`) or 90')
})
