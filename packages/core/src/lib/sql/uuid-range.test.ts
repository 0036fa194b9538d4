import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { byDay } from './uuid-range.ts'

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
