/** A value to compare with, drawn across the plot. */
export type PlotLevel = { name: string; value: number }

type Common = {
  /** Name of the SVG, without its ending. */
  file: string
  title: string
  unit: string
  levels?: PlotLevel[]
}

/** The content of a chart, without its style: `drawPlot` makes the SVG of it. */
export type Plot =
  | (Common & {
      kind: 'bars'
      categories: string[]
      series: { name: string; values: number[] }[]
      /** From left to right, for categories with long names. */
      across?: boolean
    })
  | (Common & {
      kind: 'lines'
      x: { name: string; logarithmic?: boolean }
      series: { name: string; points: [number, number][] }[]
    })
