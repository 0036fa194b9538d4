import { expect, test } from 'vitest'
import { drawPlot } from './draw-plot.ts'
import type { Plot } from './plot.ts'

const bars: Plot = {
  kind: 'bars',
  file: 'waits',
  title: 'Waits',
  unit: 'milliseconds',
  categories: ['idle', 'busy'],
  series: [
    { name: 'p50', values: [120, 180] },
    { name: 'p99', values: [200, 1_234] },
  ],
  levels: [{ name: 'bound', value: 2_000 }],
}
const lines: Plot = {
  kind: 'lines',
  file: 'rate',
  title: 'Rate',
  unit: 'messages/s',
  x: { name: 'messages waiting', logarithmic: true },
  series: [
    {
      name: 'ours',
      points: [
        [1_000, 4_000],
        [1_000_000, 3_900],
      ],
    },
  ],
}

test.each([bars, lines, { ...bars, across: true }])(
  'the same figures give the same picture: $title',
  (plot) => {
    const first = drawPlot(plot)
    drawPlot(lines)
    expect(drawPlot(plot)).toBe(first)
  },
)

test('the picture has title, unit, axis and every name and value, on its own background', () => {
  const svg = drawPlot(bars)
  for (const text of ['Waits', 'milliseconds', 'idle', 'busy', 'p50', 'p99', 'bound', '1,230'])
    expect(svg).toContain(`>${text}</text>`)
  expect(svg).toContain('fill="#ffffff"')
  expect(drawPlot(lines)).toContain('>messages waiting</text>')
})

test('the picture has no animation and no link to the outside', () => {
  for (const plot of [bars, lines])
    expect(drawPlot(plot)).not.toMatch(/<(style|script|animate|image)|href="(?!#)/)
})
