import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { drawPlot } from './draw-plot.ts'
import type { PartResult } from './figure.ts'
import { markdownReport, replaceMeasured } from './report.ts'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)
const PLOTS = new URL('../../docs/plots/', import.meta.url)

/** Writes the measured half of docs/benchmarks.md and its plots; the text around it is written by hand, and kept. */
export async function writePage(result: PartResult, machine: Record<string, string>): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  await mkdir(PLOTS, { recursive: true })
  for (const old of await readdir(PLOTS)) await rm(new URL(old, PLOTS))
  for (const plot of result.plots) await writeFile(new URL(`${plot.file}.svg`, PLOTS), drawPlot(plot))
  await writeFile(PAGE, replaceMeasured(page, markdownReport(result.figures, machine, result.plots)))
}
