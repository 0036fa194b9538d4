import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHash, canonicalHashInSteps, canonicalPieces } from './canonical-hash.ts'

const write = (value: unknown) => [...canonicalPieces(value)].join('')
const read = (text: string): unknown => JSON.parse(text)

describe('canonicalHash', () => {
  it('case 18: the hash is the same for every spelling of one value', () => {
    const value = { subject: 'Hello/', to: ['a@b.example', { email: 'c@d.example', name: 'C' }], n: 100 }
    const spelled = [
      '{"to":["a@b.example",{"name":"C","email":"c@d.example"}],"n":100,"subject":"Hello/"}',
      '{\n  "subject" : "\\u0048ello\\/",\r\n\t"to":["a@b.example",{"email":"c@d.example","name":"C"}],"n":1e2}\n',
      '{"subject":"Hello/","n":100.0,"to":["a@b.example",{"email":"c@d.example","\\u006eame":"C"}]}',
    ]
    for (const text of spelled) expect(canonicalHash(read(text))).toEqual(canonicalHash(value))
  })

  it.each([
    ['another text', { a: 'x' }, { a: 'y' }],
    ['another order in a list', ['a', 'b'], ['b', 'a']],
    ['null and absence', { a: null }, {}],
    ['a number and its text', { a: 5 }, { a: '5' }],
    ['an empty list and an empty object', [], {}],
    ['a list in a list', [['a'], 'b'], [['a', 'b']]],
    ['a name and a value that run together', { a: 'b,"c":"d' }, { a: 'b', c: 'd' }],
    ['a number too large for any reader and null', read('[1e400]'), [null]],
    ['letters that look alike', { a: '\u00e9' }, { a: 'e\u0301' }],
  ])('case 18: the hash differs for %s', (_, one, other) => {
    expect(canonicalHash(one)).not.toEqual(canonicalHash(other))
  })

  it('case 18: the canonical text of any value parses to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'small' }), (value) => {
        expect(read(write(value))).toEqual(read(JSON.stringify(value)))
      }),
      { numRuns: 300 },
    )
  })

  it('case 18: splits no character of a long text, and gives the same hash in steps', async () => {
    const value = {
      html: `a${'\u{1f600}'.repeat(200_000)}`,
      text: 'x'.repeat(300_000),
      list: Array(900).fill('"'),
    }
    expect(read(write(value))).toEqual(value)
    expect(Math.max(...[...canonicalPieces(value)].map((piece) => piece.length))).toBeLessThan(500_000)
    expect(await canonicalHashInSteps(value)).toEqual(canonicalHash(value))
  })
})
