import { expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { fitMetadata } from './fit-metadata.ts'

const id = 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk'
const limit = (bytesMax: number) => ({ bytesMax, toJson: (value: unknown) => JSON.stringify(value) })
const fit = (metadata: Record<string, string>, bytesMax: number, tags: string[] = []) =>
  fitMetadata(buildOutboundMessage({ metadata }), tags, limit(bytesMax))

test('small metadata is complete, with our id and folded tags first', () => {
  expect(Object.entries(fit({ b: '1', a: '2' }, 1000, ['x', 'y']))).toEqual([
    ['lg_id', id],
    ['lg_tags', 'x,y'],
    ['b', '1'],
    ['a', '2'],
  ])
})

test('metadata fills the limit to the last byte, and omitted entries are counted', () => {
  const whole = { lg_id: id, a: 'größe', b: 'x' }
  const bytes = Buffer.byteLength(JSON.stringify(whole))
  expect(fit({ a: 'größe', b: 'x' }, bytes)).toEqual(whole)
  expect(fit({ a: 'größe', b: 'x' }, bytes - 1)).toEqual({ lg_id: id, lg_left_out: '2' })
  expect(fit({ a: 'x'.repeat(500), b: 'x' }, 200)).toEqual({ lg_id: id, b: 'x', lg_left_out: '1' })
})

test.each([70, 80, 100, 250])('metadata never exceeds %i bytes', (bytesMax) => {
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 'ü'.repeat(at)]))
  expect(Buffer.byteLength(JSON.stringify(fit(metadata, bytesMax)))).toBeLessThanOrEqual(bytesMax)
})

test('an entry over the limit of one entry is left out, also when there is room', () => {
  const whole = buildOutboundMessage({ metadata: { a: 'x'.repeat(60), b: 'x'.repeat(61), c: 'x' } })
  const entryBytesMax = Buffer.byteLength(`"a":"${'x'.repeat(60)}"`)
  expect(fitMetadata(whole, [], { ...limit(1000), entryBytesMax })).toEqual({
    lg_id: id,
    a: 'x'.repeat(60),
    c: 'x',
    lg_left_out: '1',
  })
})

test('keys of the tenant never replace ours', () => {
  const metadata = JSON.parse('{"lg_id":"forged","lg_left_out":"0","__proto__":"p"}')
  const fitted = fit(metadata, 1000)
  expect(JSON.parse(JSON.stringify(fitted))).toEqual(
    JSON.parse(`{"lg_id":"${id}","__proto__":"p","lg_left_out":"2"}`),
  )
})
