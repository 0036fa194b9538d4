/** One row of the table: ours, what it is measured against, and how far apart they are. */
export type Figure = {
  name: string
  ours: string
  reference: string
  /** What counts; absolute figures belong to the machine. */
  ratio: string
  target: string
  /** Null: there is no target, or it could not be measured. */
  met: boolean | null
  note?: string
}

/** A ratio with a bound on it; `atLeast` and `atMost` exclude each other. */
export function ratioFigure(figure: {
  name: string
  ours: string
  reference: string
  ratio: number
  bound: { atLeast: number } | { atMost: number }
  note?: string
}): Figure {
  const { ratio, bound, ...rest } = figure
  const met = 'atLeast' in bound ? ratio >= bound.atLeast : ratio <= bound.atMost
  const target = 'atLeast' in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`
  return { ...rest, ratio: ratio.toFixed(2), target, met }
}

/** An amount of memory with an upper bound. */
export function memoryFigure(name: string, mb: number, atMostMb: number | null, note?: string): Figure {
  return {
    ...{ name, ours: `${mb.toFixed(0)} MB`, reference: '–', ratio: '–' },
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
