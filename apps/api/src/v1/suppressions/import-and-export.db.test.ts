import { noFailpoint } from '@lettergate/core/lib'
import { createSuppressionJobs } from '@lettergate/core/suppressions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestApi, type TestApi, type TestTenant } from '../../../test/api.ts'

let api: TestApi
const errors: unknown[] = []
let jobs: ReturnType<typeof createSuppressionJobs>
function startJobs(): ReturnType<typeof createSuppressionJobs> {
  const started = createSuppressionJobs({
    pool: api.db.pool,
    failpoint: noFailpoint,
    onError: (error) => errors.push(error),
  })
  started.start()
  return started
}
beforeAll(async () => {
  api = await startTestApi()
  jobs = startJobs()
})
afterAll(async () => {
  await jobs.stop()
  await api.close()
  expect(errors).toEqual([])
})

const add = (tenant: TestTenant, suppressions: unknown[], key = tenant.liveKey) =>
  api.call('POST', '/v1/suppressions', { key, body: { suppressions } })
const get = (tenant: TestTenant, path: string, key = tenant.liveKey) =>
  api.call('GET', `/v1/suppressions${path}`, { key })
const importFile = (tenant: TestTenant, file: string, query = '', type = 'text/csv') =>
  api.call('POST', `/v1/suppressions/import${query}`, {
    key: tenant.liveKey,
    body: file,
    headers: { 'content-type': type },
  })

/** Reads a job until it has ended. */
async function ended(tenant: TestTenant, id: unknown): Promise<Record<string, unknown>> {
  for (;;) {
    const { json } = await get(tenant, `/jobs/${id}`)
    if (json.state === 'done' || json.state === 'failed') return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('files', () => {
  it('of 20,000 lines are read by a job, without those that cannot be read', async () => {
    const tenant = await api.addTenant()
    const lines = Array.from({ length: 20_000 }, (_, index) =>
      index % 1_000 === 7
        ? `no address ${index}`
        : `User${index}@example.net,${index % 2 ? 'bulk' : ''},spam`,
    )
    const started = await importFile(tenant, `\uFEFFEmail,Stream,Reason\r\n${lines.join('\r\n')}\r\n`)
    expect(started).toMatchObject({ status: 202, json: { state: 'waiting', total: 20_000, result: null } })
    expect(started.headers.get('location')).toBe(`/v1/suppressions/jobs/${started.json.id}`)
    expect(await ended(tenant, started.json.id)).toMatchObject({
      state: 'done',
      total: 20_000,
      done: 20_000,
      added: 19_980,
      rejected: 20,
      errors: Array.from({ length: 20 }, (_, index) => ({
        line: index * 1_000 + 9,
        detail: 'has an address that has no @',
      })),
    })
    expect((await get(tenant, '/user1@example.net')).json).toMatchObject({
      data: [{ stream: 'bulk', reason: 'import', note: 'spam' }],
    })
    const again = await importFile(tenant, 'user1@example.net\nuser2@example.net', '?stream=bulk')
    expect(await ended(tenant, again.json.id)).toMatchObject({ done: 2, added: 1, rejected: 0 })
  })

  it('of other services and spreadsheets are read as they are', async () => {
    const cases: [file: string, entries: [address: string, note: string | null][]][] = [
      ['SuppressionReason,EmailAddress\nHardBounce,a@example.net\n', [['a@example.net', 'HardBounce']]],
      ['recipient,type\na@example.net,x\n', [['a@example.net', null]]],
      ['sep=;\r\nReason;Email\r\n550, no;a@example.net\r\n', [['a@example.net', '550, no']]],
      ['\uFEFF\n \nreason,email\nno,a@example.net\n', [['a@example.net', 'no']]],
      ['a@example.net;550, no\nb@example.net\tx;y\n', [['a@example.net', null]]],
      ['a@example.net\tx, y; z\n', [['a@example.net', null]]],
      [
        `address,code,error\na@example.net,550,"5.1.1 The account\n5.1.1 does ""not""\r\nexist"\nb@example.net,550,no\n`,
        [
          ['a@example.net', '5.1.1 The account 5.1.1 does "not" exist'],
          ['b@example.net', 'no'],
        ],
      ],
      [
        `email,note\na@example.net,tab\u0001${'x'.repeat(195)}\u{1F600}\n`,
        [['a@example.net', `tab ${'x'.repeat(195)}`]],
      ],
    ]
    for (const [file, entries] of cases) {
      const tenant = await api.addTenant()
      const { json } = await importFile(tenant, file)
      await ended(tenant, json.id)
      const { data } = (await api.call('GET', '/v1/suppressions', { key: tenant.liveKey })).json
      const found = z.array(z.object({ address: z.string(), note: z.string().nullable() })).parse(data)
      expect(found.map(({ address, note }) => [address, note]).sort(), file).toEqual(entries)
    }
  })

  it('lose no line to cells of several lines where chunks end, or to a quote without its pair', async () => {
    const tenant = await api.addTenant()
    const lines = Array.from({ length: 3_000 }, (_, index) =>
      index === 1_500 ? `u${index}@example.net,"no` : `u${index}@example.net,"several\nlines\nof words"`,
    )
    const { json } = await importFile(tenant, `email,reason\n${lines.join('\n')}\n`)
    expect(await ended(tenant, json.id)).toMatchObject({
      total: 8_998,
      done: 8_998,
      added: 2_999,
      rejected: 1,
      errors: [{ line: 4_502, detail: 'has a quote without its pair' }],
    })
  })

  it('are read no further once their job is cancelled, and a job that has ended cannot be', async () => {
    const tenant = await api.addTenant()
    const cancel = (id: unknown) =>
      api.call('POST', `/v1/suppressions/jobs/${id}/cancel`, { key: tenant.liveKey })
    await jobs.stop()
    const lines = Array.from({ length: 5_000 }, (_, index) => `user${index}@example.net`)
    const { json } = await importFile(tenant, lines.join('\n'))
    expect(await cancel(json.id)).toMatchObject({ status: 200, json: { state: 'cancelled', done: 0 } })
    const { rows } = await api.db.pool.query({
      text: 'select from suppression_chunk where tenant_id = $1',
      values: [tenant.tenantId],
    })
    expect(rows).toEqual([])
    expect(await cancel(json.id)).toMatchObject({ status: 409, json: { code: 'wrong-state' } })
    jobs = startJobs()
    const later = await importFile(tenant, 'later@example.net')
    await ended(tenant, later.json.id)
    expect((await get(tenant, '/user1@example.net')).status).toBe(404)
    expect(await cancel(later.json.id)).toMatchObject({ status: 409, json: { code: 'wrong-state' } })
  })

  it('written by an export are read by an import with the same entries', async () => {
    const [tenant, other] = [await api.addTenant(), await api.addTenant()]
    await add(
      tenant,
      Array.from({ length: 1_000 }, (_, index) => ({
        address: `n${index}@example.net`,
        reason: 'complaint',
      })),
    )
    await add(tenant, [
      { address: '"a,b"@example.net', note: 'a "quote", and more' },
      { address: 'formula@example.net', note: '=HYPERLINK("http://example.org")' },
      { address: 'quoted@example.net', note: "'=1" },
      { address: 'later@example.net', stream: 'bulk', expires_at: '2036-01-01T00:00:00Z' },
    ])
    const started = await api.call('POST', '/v1/suppressions/export', { key: tenant.liveKey, body: {} })
    const { result } = await ended(tenant, started.json.id)
    const file = await api.call('GET', String(result), { key: tenant.liveKey })
    expect(file.headers.get('content-type')).toContain('text/csv')
    expect(file.text.split('\r\n')).toHaveLength(1_006)
    expect(file.text).toContain(`formula@example.net,*,manual,"'=HYPERLINK(""http://example.org"")",`)
    const imported = await importFile(other, file.text)
    expect(await ended(other, imported.json.id)).toMatchObject({ added: 1_004, rejected: 0 })
    const entriesOf = async ({ tenantId }: TestTenant) =>
      (
        await api.db.pool.query({
          text: 'select address, stream, reason, note, expires_at from suppression where tenant_id = $1 order by 1, 2',
          values: [tenantId],
        })
      ).rows
    expect(await entriesOf(other)).toEqual(await entriesOf(tenant))
    expect((await api.call('GET', String(result), { key: other.liveKey })).status).toBe(404)
    const part = await api.call('POST', '/v1/suppressions/export', {
      key: tenant.liveKey,
      body: { stream: 'bulk' },
    })
    expect(await ended(tenant, part.json.id)).toMatchObject({ total: 1, done: 1 })
  })

  it('that are no lists are refused as a whole, and say why', async () => {
    const tenant = await api.addTenant()
    const refusal = async (...given: Parameters<typeof importFile>) => {
      const { status, json } = await importFile(...given)
      return [status, json.code, json.detail]
    }
    expect(await refusal(tenant, '')).toEqual([422, 'validation-failed', 'The file has no addresses.'])
    expect((await refusal(tenant, '\uFEFF\n\n'))[2]).toBe('The file has no addresses.')
    expect(await refusal(tenant, 'address\n')).toEqual([
      422,
      'validation-failed',
      'The file has no addresses.',
    ])
    expect((await refusal(tenant, 'x'.repeat(10_000)))[2]).toMatch(/^Line 1 has/)
    expect((await refusal(tenant, '\n'.repeat(1_000_001)))[2]).toMatch(/1000000 lines/)
    expect((await refusal(tenant, 'a@b.example', '', 'application/json'))[0]).toBe(415)
    expect((await refusal(tenant, 'a@b.example', '?stream=none'))[0]).toBe(422)
    expect((await refusal(tenant, `${'a'.repeat(100)}\n`.repeat(160_000)))[0]).toBe(413)
  })
})
