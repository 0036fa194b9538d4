import { expect, test } from 'vitest'
import { createBreakCheck } from './line-breaks.ts'

const BARE = /\r(?!\n)|(?<!\r)\n/
const BYTES = ['a', '\r', '\n']

test('a bare CR or LF is found wherever the mail is cut into pieces', () => {
  const texts = Array.from({ length: 3 ** 5 }, (_, n) =>
    Array.from({ length: 5 }, (_, at) => BYTES[Math.floor(n / 3 ** at) % 3]).join(''),
  )
  for (const text of texts)
    for (let cut = 0; cut <= text.length; cut++) {
      const check = createBreakCheck()
      check.add(Buffer.from(text.slice(0, cut)))
      check.add(Buffer.from(text.slice(cut)))
      expect([text, cut, check.hasBareBreak()]).toEqual([text, cut, BARE.test(text)])
    }
})
