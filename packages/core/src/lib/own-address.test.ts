import { createSecretKey } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeOwnAddress, readOwnAddress } from './own-address.ts'

const key = createSecretKey(Buffer.alloc(32, 1))

test('an address of ours names the recipient that it was made for, in any case of its letters', () => {
  fc.assert(
    fc.property(fc.constantFrom('bounce', 'reply'), fc.nat(1023), (purpose, position) => {
      const own = { purpose, messageId: newId(), position } as const
      const address = makeOwnAddress(key, own, 'rp.example.com')
      expect(readOwnAddress(key, address)).toEqual(own)
      expect(readOwnAddress(key, address.toUpperCase())).toEqual(own)
      expect(address.indexOf('@')).toBeLessThanOrEqual(64)
    }),
  )
})

test('an address with any other character, domain, purpose or key names nobody', () => {
  const address = makeOwnAddress(
    key,
    { purpose: 'bounce', messageId: newId(), position: 3 },
    'rp.example.com',
  )
  for (let i = 2; i < address.indexOf('@'); i++) {
    const other = address[i] === '0' ? '1' : '0'
    expect(readOwnAddress(key, address.slice(0, i) + other + address.slice(i + 1)), `place ${i}`).toBeNull()
  }
  expect(readOwnAddress(key, address.replace('example.com', 'example.org'))).toBeNull()
  expect(readOwnAddress(key, address.replace('b+', 'reply+'))).toBeNull()
  expect(readOwnAddress(createSecretKey(Buffer.alloc(32, 2)), address)).toBeNull()
  for (const text of [
    '',
    '@',
    'b+@x',
    'b+é@x',
    `b+${'0'.repeat(41)}`,
    'user@example.com',
    `b+${'é'.repeat(41)}@x`,
  ]) {
    expect(readOwnAddress(key, text), text).toBeNull()
  }
})

test('a position that no recipient can have is refused', () => {
  const make = (position: number) =>
    makeOwnAddress(key, { purpose: 'bounce', messageId: newId(), position }, 'x')
  for (const wrong of [-1, 1024, 0.5, Number.NaN]) expect(() => make(wrong)).toThrow(RangeError)
})
