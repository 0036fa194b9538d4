import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRow, buildTenant, buildUnit } from '../../../test/rows.ts'
import { ensureUsage } from '../../usage/index.ts'
import { acceptMessages } from './accept-messages.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const ofSize = (count: number) =>
  buildRow({
    recipients: Array.from({ length: count }, (_, i) => ({
      kind: 'to',
      address: `u${i}@b.example`,
      name: null,
    })),
  })

test('for any requests in any batches, the limit is never exceeded, and no request that fits is refused', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 })
  const batches = fc.array(sizes, { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), batches, fc.boolean(), async (limit, given, atOnce) => {
      const tenantId = await buildTenant(db.pool, { dailyLimit: limit })
      await ensureUsage(db.pool, [{ id: tenantId, mode: 'live' }])
      let used = 0
      const run = async (batch: number[]) => {
        const results = await acceptMessages(
          db.pool,
          batch.map((size) => buildUnit(tenantId, [ofSize(size)])),
        )
        const admitted = batch.filter((_, i) => results[i]?.admitted)
        const refused = batch.filter((_, i) => !results[i]?.admitted)
        used += admitted.reduce((sum, size) => sum + size, 0)
        return { refused, usedAfter: results[0]?.usage?.day.used ?? 0 }
      }
      const done = atOnce ? await Promise.all(given.map(run)) : []
      if (!atOnce) for (const batch of given) done.push(await run(batch))
      expect(used).toBeLessThanOrEqual(limit)
      // Each answer tells what was used once it was given: what it refused did not fit beside that.
      for (const { refused, usedAfter } of done)
        for (const size of refused) expect(size).toBeGreaterThan(limit - usedAfter)
      const { rows } = await db.pool.query({
        text: `select (select accepted from usage where tenant_id = $1) as counted,
                      (select count(*) from recipient where tenant_id = $1) as stored`,
        values: [tenantId],
      })
      expect(rows[0]).toEqual({ counted: used, stored: used })
    }),
    { numRuns: 40 },
  )
})
