import type { Bound, Figure } from './figure.ts'
import type { Plot } from './plot.ts'

/** How often the target fits into what was measured, or the other way round where less is better: 1 just meets it. */
export function insideTarget({ ratio, bound }: { ratio: number; bound: Bound }): number {
  return 'atLeast' in bound ? ratio / bound.atLeast : bound.atMost / ratio
}

/** All ratios that have a target, on one scale on which more is better. */
export function ratioPlot(figures: readonly Figure[]): Plot {
  const rows = figures.flatMap(({ name, measured }) =>
    measured ? [{ name, value: Number(insideTarget(measured).toFixed(2)) }] : [],
  )
  return {
    kind: 'bars',
    across: true,
    file: 'ratios',
    title: 'Each ratio beside its target',
    unit: 'times as good as the target',
    categories: rows.map(({ name }) => name),
    series: [{ name: 'measured', values: rows.map(({ value }) => value) }],
    levels: [{ name: 'target', value: 1 }],
  }
}
