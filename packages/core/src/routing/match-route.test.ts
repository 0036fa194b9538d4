import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fits, orderTargets, type Routable } from './match-route.ts'

const message: Routable = {
  stream: 'transactional',
  tags: ['receipt', 'eu'],
  fromAddress: 'app@acme.example',
  recipients: [{ address: 'a@example.net' }, { address: 'b@EXAMPLE.net' }],
}

test.each([
  ['everything', {}, true],
  ['its stream', { stream: 'transactional' }, true],
  ['another stream', { stream: 'bulk' }, false],
  ['one of its tags', { tag: 'eu' }, true],
  ['a tag that it lacks', { tag: 'us' }, false],
  ['the domain of From', { from_domain: 'acme.example' }, true],
  ['a domain above that of From', { from_domain: 'example' }, false],
  ['the domain of all recipients, in any case', { recipient_domain: 'example.net' }, true],
  ['a domain that only ends alike', { recipient_domain: 'le.net' }, false],
  ['one condition that fits and one that does not', { tag: 'eu', stream: 'bulk' }, false],
] as const)('a route for %s', (_, match, expected) => {
  expect(fits(match, message)).toBe(expected)
})

test('a message with a recipient of another domain does not fit a recipient domain', () => {
  const recipients = [...message.recipients, { address: 'c@other.example' }]
  expect(fits({ recipient_domain: 'example.net' }, { ...message, recipients })).toBe(false)
})

test('each further condition matches the same messages or fewer', () => {
  const one = fc.record(
    {
      stream: fc.constantFrom('transactional' as const, 'bulk' as const),
      tag: fc.constantFrom('eu', 'us'),
      from_domain: fc.constantFrom('acme.example', 'x.example'),
      recipient_domain: fc.constantFrom('example.net', 'y.example'),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(one, one, (a, b) => {
      const both = { ...a, ...b }
      if (fits(both, message) && Object.keys(a).every((key) => !(key in b)))
        expect(fits(a, message)).toBe(true)
    }),
  )
})

const targets = (...weights: number[]) =>
  weights.map((weight, index) => ({ connection_id: `connection-${index}`, weight }))

test('an ordered route keeps its order', () => {
  expect(orderTargets({ strategy: 'ordered', targets: targets(1, 9, 5) }, 'm')).toEqual([
    'connection-0',
    'connection-1',
    'connection-2',
  ])
})

test('a weighted route names every target once, in the same order for every attempt of a message', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 }), (id, weights) => {
      const route = { strategy: 'weighted' as const, targets: targets(...weights) }
      const order = orderTargets(route, id)
      expect(orderTargets(route, id)).toEqual(order)
      expect([...order].sort()).toEqual(route.targets.map((one) => one.connection_id).sort())
    }),
  )
})

test('shares follow the weights over many messages, also among fallback targets', () => {
  const route = { strategy: 'weighted' as const, targets: targets(6, 3, 1, 0) }
  const n = 20_000
  const orders = Array.from({ length: n }, (_, index) => orderTargets(route, `message-${index}`))
  const share = (place: number, target: number) =>
    orders.filter((order) => order[place] === `connection-${target}`).length / n
  // Five standard deviations of a share of 20,000 are below 0.018.
  expect(Math.abs(share(0, 0) - 0.6)).toBeLessThan(0.018)
  expect(Math.abs(share(0, 1) - 0.3)).toBeLessThan(0.018)
  expect(Math.abs(share(0, 2) - 0.1)).toBeLessThan(0.018)
  expect(Math.abs(share(1, 1) - (0.6 * 3) / 4 - (0.1 * 3) / 9)).toBeLessThan(0.018)
  expect(share(3, 3)).toBe(1)
})
