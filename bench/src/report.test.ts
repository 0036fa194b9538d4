import { expect, test } from 'vitest'
import { memoryFigure, ratioFigure, skippedFigure } from './figure.ts'
import { markdownReport, replaceMeasured, textTable } from './report.ts'

const figures = [
  ratioFigure({
    name: 'accept',
    ours: '8/s',
    reference: '10/s',
    ratio: 0.8,
    bound: { atLeast: 0.8 },
    note: 'rounds 7/s–9/s',
  }),
  ratioFigure({ name: 'p99', ours: '9 ms', reference: '2 ms', ratio: 4.5, bound: { atMost: 4 } }),
  ratioFigure({ name: 'to know', ours: '1/s', reference: '2/s', ratio: 0.5, bound: null }),
  memoryFigure('api', 100.4, 150),
  skippedFigure('smtp', 'no sink'),
]

test('a bound is met when it is exactly reached, for minimum and maximum', () => {
  expect(figures.map(({ met }) => met)).toEqual([true, false, null, true, null])
  expect(figures.map(({ target }) => target)).toEqual(['≥ 0.8', '≤ 4', '–', '≤ 150 MB', '–'])
})

test('the printed table names the missed targets', () => {
  const lines = textTable(figures, false).split('\n')
  expect(lines[1]).toBe('accept   8/s     10/s       0.80   ≥ 0.8     met')
  expect(lines[2]).toMatch(/MISSED$/)
})

test('the page has the number of met targets, a row for each figure, a line for each note, and every plot', () => {
  const plot = {
    kind: 'bars',
    file: 'waits',
    title: 'Waits',
    unit: 'ms',
    categories: [],
    series: [],
  } as const
  const report = markdownReport(figures, { commit: 'abc1234' }, [{ ...plot, categories: [], series: [] }])
  expect(report.split('\n')).toEqual([
    '**2 of 3 targets met**, at commit abc1234.',
    '',
    '| name | ours | reference | ratio | target |  |',
    '| --- | --- | --- | --- | --- | --- |',
    '| accept | 8/s | 10/s | 0.80 | ≥ 0.8 | met |',
    '| p99 | 9 ms | 2 ms | 4.50 | ≤ 4 | **missed** |',
    '| to know | 1/s | 2/s | 0.50 | – | – |',
    '| api | 100 MB | – | – | ≤ 150 MB | met |',
    '| smtp | – | – | – | – | – |',
    '',
    '![Waits](plots/waits.svg)',
    '',
    '<details><summary>The machine, and the rounds of each figure</summary>',
    '',
    '- commit: abc1234',
    '- *accept*: rounds 7/s–9/s',
    '- *smtp*: skipped: no sink',
    '',
    '</details>',
    '',
  ])
})

test('the hand-written text around the measured part is kept', () => {
  const page = 'before\n<!-- measured: written by npm run bench -->\nold\n<!-- /measured -->\nafter\n'
  expect(replaceMeasured(page, 'new\n')).toBe(page.replace('old', 'new'))
  expect(() => replaceMeasured('no markers', 'new')).toThrow('markers')
})
