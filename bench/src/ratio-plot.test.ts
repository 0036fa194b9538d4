import { expect, test } from 'vitest'
import { memoryFigure, ratioFigure } from './figure.ts'
import { insideTarget, ratioPlot } from './ratio-plot.ts'

const figure = { ours: '', reference: '' }

test('a figure that exactly meets its target is 1, and a better figure is always higher', () => {
  expect(insideTarget({ ratio: 6, bound: { atLeast: 6 } })).toBe(1)
  expect(insideTarget({ ratio: 9, bound: { atLeast: 6 } })).toBe(1.5)
  expect(insideTarget({ ratio: 1, bound: { atMost: 2 } })).toBe(2)
  expect(insideTarget({ ratio: 4, bound: { atMost: 2 } })).toBe(0.5)
})

test('only ratios with a target are in the plot', () => {
  const plot = ratioPlot([
    ratioFigure({ ...figure, name: 'bound', ratio: 3, bound: { atLeast: 2 } }),
    ratioFigure({ ...figure, name: 'free', ratio: 3, bound: null }),
    memoryFigure('memory', 100, 200),
  ])
  expect(plot).toMatchObject({ categories: ['bound'], series: [{ values: [1.5] }] })
})
