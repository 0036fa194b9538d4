import { describe, expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import type { OutboundMessage } from '../provider.ts'
import { toMetadata } from './metadata.ts'

const { id } = buildOutboundMessage()

describe('metadata', () => {
  const of = (changes: Partial<OutboundMessage>) => toMetadata(buildOutboundMessage(changes))
  const fold = (entries: Record<string, string>) => new URLSearchParams(entries).toString()
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v'.repeat(60)]))

  test('that fits nine fields is sent unchanged', () => {
    expect(of({ metadata: many(9) })).toEqual({ lg_id: id, ...many(9) })
  })

  test.each([
    ['a long key', { ['k'.repeat(21)]: 'x' }],
    ['a long value', { note: 'é'.repeat(81) }],
    ['a key of ours', { lg_id: 'forged' }],
  ])('with %s is folded, and readable again', (_what, extra) => {
    const { lg_id, order, ...folded } = of({ metadata: { order: '7', ...extra } })
    expect([lg_id, order]).toEqual([id, '7'])
    expect(Object.keys(folded)[0]).toBe('lg_more')
    expect(Object.values(folded).join('')).toBe(fold(extra))
  })

  test('with a key in upper and lower case keeps both', () => {
    expect(of({ metadata: { Key: '1', key: '2' } })).toEqual({ lg_id: id, Key: '1', lg_more: 'key=2' })
  })

  test('that is too much for ten fields has the number of missing entries', () => {
    const fields = of({ metadata: many(50) })
    expect(Object.keys(fields)).toHaveLength(10)
    expect(fields).toMatchObject({ lg_id: id, k7: 'v'.repeat(60), lg_left_out: '42' })
  })

  test('never exceeds a limit, for any tags', () => {
    const tags = Array.from({ length: 10 }, (_, at) => `${at}`.repeat(64))
    const fields = of({ tags, metadata: many(50) })
    expect(Object.keys(fields).length).toBeLessThanOrEqual(10)
    for (const [key, value] of Object.entries(fields)) {
      expect(key.length).toBeLessThanOrEqual(20)
      expect(value.length).toBeLessThanOrEqual(80)
    }
    const folded = Object.entries(fields).filter(([key]) => key.startsWith('lg_tags'))
    expect(folded.map(([, value]) => value).join('')).toBe(tags.slice(1).join(','))
  })
})
