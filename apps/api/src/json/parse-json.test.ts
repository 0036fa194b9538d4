import { Problem } from '@lettergate/contracts/problems'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from './parse-json.ts'

function refusal(text: string | Buffer): Problem {
  try {
    parseJson(Buffer.from(text))
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error(`accepted: ${text.slice(0, 80)}`)
}

describe('parseJson', () => {
  it('agrees with JSON.parse on everything that has no forbidden key or string', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        fc.pre(!/__proto__|constructor|\\u(0000|d[89a-f])/i.test(text))
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text))
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['nothing at all', ''],
    ['cut JSON', '{"a":'],
    ['a cut string', '{"a":"b'],
    ['a trailing comma', '{"a":1,}'],
    ['NaN', '{"a":NaN}'],
    ['a key given twice', '{"a":1,"b":{},"a":2}'],
    ['a key given twice, once escaped', '{"ab":1,"a\\u0062":2}'],
    ['a key given twice behind strings with quotes and backslashes', '{"x":"\\\\\\"","a":"\\\\","a":2}'],
    ['__proto__', '{"metadata":{"__proto__":{"x":1}}}'],
    ['__proto__, escaped', '{"\\u005f_proto__":{}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"x":1}}}'],
    ['100,000 open brackets', '['.repeat(100_000)],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['too many members', `[${'0,'.repeat(500_001)}0]`],
  ])('refuses %s as malformed-json', (_, text) => {
    expect(refusal(text).code).toBe('malformed-json')
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])).code).toBe('malformed-json')
  })

  it('names every string that cannot be stored, keys too', () => {
    const problem = refusal(
      '{"subject":"a\\u0000","to":["\\ud800"],"metadata":{"k\\u0000/":"v"},"text":"\\ud83d\\ude00"}',
    )
    expect(problem.code).toBe('validation-failed')
    expect(problem.errors?.map((error) => error.pointer)).toEqual([
      '#/subject',
      '#/to/0',
      '#/metadata/k\ufffd~1',
    ])
  })

  it('lets the same key stand in different objects, and the word constructor in ordinary places', () => {
    const text = '[{"a":1,"b":{"a":2}},{"a":3,"constructor":"x"},{"prototype":1}]'
    expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })

  it('calls __proto__ among the headers of a message a bad name, not bad JSON', () => {
    expect(refusal('{"headers":{"__proto__":"x"}}').code).toBe('validation-failed')
  })
})
