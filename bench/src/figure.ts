import type { Plot } from './plot.ts'

export type Bound = { atLeast: number } | { atMost: number }

/** One row of the table: ours, what it is measured against, and how far apart they are. */
export type Figure = {
  name: string
  ours: string
  reference: string
  /** The figure to compare; absolute figures depend on the machine. */
  ratio: string
  target: string
  /** Null: there is no target, or it could not be measured. */
  met: boolean | null
  note?: string
  /** The same for the plot of all ratios; missing where there is no ratio or no target. */
  measured?: { ratio: number; bound: Bound }
}

/** The result of a part of the benchmarks. */
export type PartResult = { figures: Figure[]; plots: Plot[] }

/** A ratio, with a bound on it or only to know it. */
export function ratioFigure(figure: {
  name: string
  ours: string
  reference: string
  ratio: number
  bound: Bound | null
  note?: string
}): Figure {
  const { ratio, bound, ...rest } = figure
  const shown = { ...rest, ratio: ratio.toFixed(2) }
  if (bound === null) return { ...shown, target: '–', met: null }
  const met = 'atLeast' in bound ? ratio >= bound.atLeast : ratio <= bound.atMost
  return { ...shown, target: targetText(bound), met, measured: { ratio, bound } }
}

export function targetText(bound: Bound): string {
  return 'atLeast' in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`
}

/** An amount of memory with an upper bound. */
export function memoryFigure(name: string, mb: number, atMostMb: number | null, note?: string): Figure {
  return {
    name,
    ours: `${mb.toFixed(0)} MB`,
    reference: '–',
    ratio: '–',
    target: atMostMb === null ? '–' : `≤ ${atMostMb} MB`,
    met: atMostMb === null ? null : mb <= atMostMb,
    ...(note === undefined ? {} : { note }),
  }
}

/** A row that says why there is no figure. */
export function skippedFigure(name: string, why: string): Figure {
  return { name, ours: '–', reference: '–', ratio: '–', target: '–', met: null, note: `skipped: ${why}` }
}

/** Per second, in whole numbers. */
export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`
}
