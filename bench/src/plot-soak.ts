import { readFile, writeFile } from 'node:fs/promises'
import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkAreaComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

/*
 * Draws the measurements of a soak: memory above, age of the oldest due message below, grey during a fault. Arguments:
 * the samples and faults as a JSON file, and the SVG to write.
 */
type Seen = {
  samples: { at: number; queueAgeMs: number | null; memory: Record<string, number> }[]
  injected: { kind: string; from: number; to: number; recoveryMs: number | null }[]
}

const WIDTH = 960
const HEIGHT = 560
/** A point for each bucket, the highest of it: a second's peak must not be lost between two points. */
const BUCKET_S = 5
const MEMORY_PARTS = ['api', 'worker', 'postgres', 'redis']
/** Colours that stay distinct for people with colour blindness (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#333333']
/** A log scale has no zero. */
const AGE_S_MIN = 0.01

type Point = [minutes: number, value: number]

function peaks(values: { at: number; value: number }[]): Point[] {
  const buckets = Map.groupBy(values, ({ at }) => Math.floor(at / BUCKET_S))
  return [...buckets].map(
    ([bucket, all]): Point => [
      Math.round((bucket * BUCKET_S * 1_000) / 60) / 1_000,
      Math.round(Math.max(...all.map(({ value }) => value)) * 1_000) / 1_000,
    ],
  )
}

function memoryOf(seen: Seen, part: string): Point[] {
  return peaks(
    seen.samples.flatMap(({ at, memory: { [part]: value } }) => (value === undefined ? [] : [{ at, value }])),
  )
}

function queueAgeOf({ samples }: Seen): Point[] {
  return peaks(
    samples.flatMap(({ at, queueAgeMs }) =>
      queueAgeMs === null ? [] : [{ at, value: Math.max(AGE_S_MIN, queueAgeMs / 1_000) }],
    ),
  )
}

/** From the fault until mail flowed again; a fault that was over immediately is still visible. */
function faultAreas({ injected }: Seen): [{ xAxis: number }, { xAxis: number }][] {
  return injected.map(({ from, to, recoveryMs }) => {
    const end = Math.max(from + 2, to, from + (recoveryMs ?? 0) / 1_000)
    return [{ xAxis: from / 60 }, { xAxis: end / 60 }]
  })
}

function optionOf(seen: Seen) {
  const markArea = { silent: true, itemStyle: { color: 'rgba(0,0,0,0.10)' }, data: faultAreas(seen) }
  const last = (seen.samples.at(-1)?.at ?? 0) / 60
  const axis = {
    type: 'value' as const,
    min: 0,
    max: Math.ceil(last),
    name: 'minutes',
    nameLocation: 'middle' as const,
    nameGap: 24,
  }
  const line = { type: 'line' as const, showSymbol: false, connectNulls: false, lineStyle: { width: 1.5 } }
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: [
      {
        text: 'Memory in MB (worker: each; Postgres: without shared buffers)',
        left: 60,
        top: 4,
        textStyle: { fontSize: 13 },
      },
      {
        text: 'Age of the oldest due message in seconds; grey: a fault, until mail flows again',
        left: 60,
        top: 284,
        textStyle: { fontSize: 13 },
      },
    ],
    legend: { top: 4, right: 30, data: MEMORY_PARTS },
    grid: [
      { left: 60, right: 30, top: 40, height: 190 },
      { left: 60, right: 30, top: 320, height: 190 },
    ],
    xAxis: [
      { ...axis, gridIndex: 0 },
      { ...axis, gridIndex: 1 },
    ],
    yAxis: [
      { type: 'value' as const, gridIndex: 0, min: 0 },
      { type: 'log' as const, gridIndex: 1, min: AGE_S_MIN },
    ],
    series: [
      ...MEMORY_PARTS.map((part, index) => ({
        ...line,
        name: part,
        data: memoryOf(seen, part),
        xAxisIndex: 0,
        yAxisIndex: 0,
        ...(index === 0 && { markArea }),
      })),
      { ...line, name: 'queue age', data: queueAgeOf(seen), xAxisIndex: 1, yAxisIndex: 1, markArea },
    ],
  }
}

async function main(): Promise<void> {
  const [from, to] = process.argv.slice(2)
  if (from === undefined || to === undefined) throw new Error('usage: plot-soak.ts samples.json plot.svg')
  use([LineChart, GridComponent, TitleComponent, LegendComponent, MarkAreaComponent, SVGRenderer])
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT })
  const seen: Seen = JSON.parse(await readFile(from, 'utf8'))
  chart.setOption(optionOf(seen))
  await writeFile(to, `${chart.renderToSVGString()}\n`)
  chart.dispose()
}

await main()
