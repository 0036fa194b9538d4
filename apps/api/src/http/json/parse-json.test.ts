import { Problem } from '@lettergate/contracts/problems/problems'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, parseJsonInSteps } from './parse-json.ts'
import { scanJson } from './scan-json.ts'

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
    ['too many members', `[${Array(400).fill(`[${Array(999).fill('0')}]`)}]`],
    ['too many members, all of them empty', `[${Array(300).fill(`[${Array(999).fill('{}')}]`)}]`],
    ['millions of values beside each other', '{}'.repeat(1_000_000)],
    ['UTF-8 with nothing but a byte order mark', '\ufeff'],
    ['two byte order marks', '\ufeff\ufeff{}'],
  ])('refuses %s as malformed-json', (_, text) => {
    expect(refusal(text).code).toBe('malformed-json')
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])).code).toBe('malformed-json')
  })

  it.each([
    ['a list of the body', `[${Array(1_001).fill('0')}]`, '#'],
    ['a list', `{"a":[{"to":[${Array(1_001).fill('"x"')}]}]}`, '#/a/0/to'],
    ['an object', `{"metadata":{${Array.from({ length: 1_001 }, (_, i) => `"k${i}":1`)}}}`, '#/metadata'],
    ['a list of lists', `[1,2,[[${'0,'.repeat(1_000)}0]]]`, '#/2/0'],
  ])('S6: refuses more than 1,000 items of %s, and names the field', (_, text, pointer) => {
    const problem = refusal(text)
    expect(problem.code).toBe('validation-failed')
    expect(problem.errors).toEqual([{ pointer, detail: expect.stringMatching(/^has more than 1000 items/) }])
  })

  it('S6: accepts lists and objects of 1,000 items', () => {
    const list = `[${Array(1_000).fill('0')}]`
    const object = `{${Array.from({ length: 1_000 }, (_, i) => `"k${i}":1`)}}`
    for (const text of [list, object]) expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })

  it('S6: names at most twenty faults of a body', () => {
    const messages = Array(900).fill(
      `{"metadata":{${Array.from({ length: 200 }, (_, i) => `"k${i}":"\\u0000"`)}}}`,
    )
    expect(refusal(`[${messages}]`).errors).toHaveLength(20)
  })

  it.each([
    ['backslashes', 3, `{"text":"${'\\\\'.repeat(2_000_000)}"}`],
    ['escaped quotes', 3, `{"text":"${'\\"'.repeat(2_000_000)}"}`],
    ['escaped letters', 1, `{"text":"${'\\u4e2d'.repeat(1_000_000)}"}`],
    ['spaces', 7, `{"text":1${' '.repeat(4_000_000)}}`],
    ['names', 20, `[${Array(200).fill(`{${Array.from({ length: 999 }, (_, i) => `"\\u006b${i}":1`)}}`)}]`],
    ['escapes far apart', 1, `{"text":"${`${'a'.repeat(100)}\\n`.repeat(200_000)}"}`],
  ])(
    'S6: pauses while it looks through megabytes of %s, and reads them as JSON.parse does',
    async (_, pauses, text) => {
      expect([...scanJson(text)].length).toBeGreaterThanOrEqual(pauses)
      expect(await parseJsonInSteps(Buffer.from(text))).toEqual(JSON.parse(text))
    },
  )

  it('S6: refuses the same bodies in steps as in one piece', async () => {
    await expect(parseJsonInSteps(Buffer.from('{"a":1,"a":2}'))).rejects.toMatchObject({
      code: 'malformed-json',
    })
  })

  it('case 19: ignores one byte order mark', async () => {
    const bytes = Buffer.from('\ufeff{"a":"\ufeffb"}')
    expect(parseJson(bytes)).toEqual({ a: '\ufeffb' })
    expect(await parseJsonInSteps(bytes)).toEqual({ a: '\ufeffb' })
  })

  it.each([['utf16le'], ['utf-16be']])('case 19: calls UTF-16 by its name (%s)', (encoding) => {
    const bytes = Buffer.from('\ufeff{}', 'utf16le')
    expect(refusal(encoding === 'utf16le' ? bytes : bytes.swap16()).detail).toContain('The body is UTF-16')
  })

  it('names every string that cannot be stored, including keys', () => {
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

  it('accepts the same key in different objects, and the word constructor in ordinary places', () => {
    const text = '[{"a":1,"b":{"a":2}},{"a":3,"constructor":"x"},{"prototype":1}]'
    expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })

  it('reports __proto__ among the headers of a message as a bad name, not as bad JSON', () => {
    expect(refusal('{"headers":{"__proto__":"x"}}').code).toBe('validation-failed')
  })
})
