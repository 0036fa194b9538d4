import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

const page = readFileSync(new URL('../../../docs/guides/pool.md', import.meta.url), 'utf8')
let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

it('every example of the guide to the pool works in the order of the guide, with the answer that the guide shows', async () => {
  const blocks = [...page.matchAll(/```http\n(\S+) (\S+)\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```\n/g)]
  expect(blocks).toHaveLength(2)
  for (const [, method = '', path = '', body = '', answer = ''] of blocks) {
    const given = await api.call(method, path, body === '' ? {} : { body })
    expect([given.status, given.json]).toEqual([200, JSON.parse(answer)])
  }
})

it('the guide has every setting of the pool', async () => {
  const key = await api.addAdminKey()
  const { json } = await api.call('GET', '/v1/admin/pool/settings', { key })
  for (const name of Object.keys(json)) expect(page).toContain(`\`${name}\``)
})
