import { expect, test } from 'vitest'
import { createProgress } from './progress.ts'

test('the estimate follows the measured time of the finished parts', () => {
  let time = 0
  const lines: string[] = []
  const progress = createProgress(
    ['accept', 'e2e'],
    { accept: 40, e2e: 60, status: 100 },
    (line) => lines.push(line),
    () => time,
  )
  progress.begin('accept')
  time = 80_000
  progress.end('accept')
  progress.begin('e2e')
  expect(lines).toEqual([
    '[1/2] 0:00 of about 1:40  accept …\n',
    '[1/2] 1:20 of about 2:20  accept: 80 s\n',
    '[2/2] 1:20 of about 2:20  e2e …\n',
  ])
})
