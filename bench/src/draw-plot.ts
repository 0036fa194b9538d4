import { init } from 'echarts'
import type { Plot } from './plot.ts'

const WIDTH = 720
const HEIGHT = 360
const BAR_HEIGHT = 26
/** Colours that stay distinct for people with colour blindness (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9']
const INK = '#222222'
const GRID_INK = '#dddddd'
const FONT = 'Helvetica, Arial, sans-serif'

/** An SVG that is the same for the same figures, and reads on white and on dark pages. */
export function drawPlot(plot: Plot): string {
  const height = plot.kind === 'bars' && plot.across ? 130 + plot.categories.length * BAR_HEIGHT : HEIGHT
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      textStyle: { fontFamily: FONT, color: INK },
      title: {
        text: plot.title,
        left: 16,
        top: 12,
        textStyle: { fontSize: 15, fontWeight: 'bold', color: INK },
      },
      legend: {
        show: plot.series.length > 1,
        silent: true,
        selectedMode: false,
        top: 38,
        left: 16,
        icon: 'roundRect',
        textStyle: { color: INK },
      },
      grid: { left: 44, right: 48, top: 84, bottom: 34, containLabel: true },
      ...(plot.kind === 'bars' ? bars(plot) : lines(plot)),
    })
    return withoutCounters(chart.renderToSVGString())
  } finally {
    // One that is not disposed of keeps the process alive forever.
    chart.dispose()
  }
}

const axisStyle = {
  nameTextStyle: { color: INK },
  axisLabel: { color: INK },
  axisLine: { show: true, lineStyle: { color: INK } },
  splitLine: { lineStyle: { color: GRID_INK } },
}

function bars(plot: Extract<Plot, { kind: 'bars' }>): object {
  const values = {
    type: 'value',
    name: plot.unit,
    nameLocation: 'middle',
    min: 0,
    ...axisStyle,
    ...highest(plot),
  }
  const categories = { type: 'category', data: plot.categories, ...axisStyle, splitLine: { show: false } }
  return {
    ...(plot.across
      ? {
          xAxis: { ...values, nameGap: 26 },
          yAxis: {
            ...categories,
            inverse: true,
            axisLabel: { color: INK, width: 330, overflow: 'truncate' },
          },
        }
      : { xAxis: categories, yAxis: { ...values, nameGap: 52 } }),
    series: plot.series.map(({ name, values: data }, index) => ({
      type: 'bar',
      name,
      data,
      barMaxWidth: 60,
      silent: true,
      emphasis: { disabled: true },
      label: { show: true, position: plot.across ? 'right' : 'top', color: INK, formatter: shorten },
      ...(index === 0 ? levelLines(plot.levels, plot.across === true) : {}),
    })),
  }
}

function lines(plot: Extract<Plot, { kind: 'lines' }>): object {
  return {
    xAxis: {
      type: plot.x.logarithmic ? 'log' : 'value',
      name: plot.x.name,
      nameLocation: 'middle',
      nameGap: 28,
      ...axisStyle,
      ...extent(plot),
    },
    yAxis: {
      type: 'value',
      name: plot.unit,
      nameLocation: 'middle',
      nameGap: 52,
      min: 0,
      ...axisStyle,
      ...highest(plot),
    },
    series: plot.series.map(({ name, points }, index) => ({
      type: 'line',
      name,
      data: points,
      showSymbol: points.length <= SYMBOLS_MAX,
      symbolSize: 7,
      silent: true,
      emphasis: { disabled: true },
      ...(index === 0 ? levelLines(plot.levels, false) : {}),
    })),
  }
}

const SYMBOLS_MAX = 20

/** A logarithmic axis would else begin at the next power of ten and leave a third of the picture empty. */
function extent({ x, series }: Extract<Plot, { kind: 'lines' }>): object {
  const all = series.flatMap(({ points }) => points.map(([at]) => at))
  if (all.length === 0) return {}
  return x.logarithmic
    ? { min: Math.min(...all), max: Math.max(...all) }
    : { max: Math.ceil(Math.max(...all)) }
}

/** An axis is made for the data alone; a level above all of it would not be seen. */
function highest(plot: Plot): object {
  const values = plot.series.flatMap((one) =>
    'values' in one ? one.values : one.points.map(([, value]) => value),
  )
  const level = Math.max(...(plot.levels ?? []).map(({ value }) => value))
  if (level <= Math.max(...values)) return {}
  const step = 10 ** Math.floor(Math.log10(level)) / 2
  return { max: Math.ceil((level * 1.05) / step) * step }
}

function levelLines(levels: Plot['levels'], across: boolean): object {
  if (!levels || levels.length === 0) return {}
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      animation: false,
      lineStyle: { color: '#d55e00', type: 'dashed' },
      data: levels.map(({ name, value }) => ({
        ...(across ? { xAxis: value } : { yAxis: value }),
        label: { formatter: name, position: across ? 'start' : 'insideEndTop', color: '#b34700' },
      })),
    },
  }
}

function shorten({ value }: { value: unknown }): string {
  return typeof value === 'number' ? Number(value.toPrecision(3)).toLocaleString('en') : ''
}

/** Styles for a pointer, which a picture in a page never meets, are numbered over all charts of a process. */
function withoutCounters(svg: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/\bzr\d+-/g, 'zr-')
}
