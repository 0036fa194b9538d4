import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import { withPlainJoins } from '@lettergate/db/plain-joins'
import { expect, test } from 'vitest'
import { byDay, joinId } from './uuid-range.ts'

test('ids are divided at midnight UTC, as their partitions are, the oldest day first', () => {
  const at = (text: string) => uuidAtTime(new Date(text))
  const ids = [
    '2026-11-02T00:00:00Z',
    '2026-11-01T23:59:59.999Z',
    '2026-11-02T23:59:59Z',
    '2026-10-01T12:00:00Z',
  ].map(at)
  expect(byDay(ids, (id) => id)).toEqual([[ids[3]], [ids[1]], [ids[0], ids[2]]])
  expect(byDay([], String)).toEqual([])
})

test('a server before Postgres 18 gets a plain join for each of these', () => {
  expect(withPlainJoins(`where ${joinId('m.id', 'k.message_id')} and ${joinId('m.id', '$1')}`)).toBe(
    'where m.id = k.message_id and m.id = $1',
  )
})
