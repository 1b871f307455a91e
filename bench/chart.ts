import { LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

/** A quantity along one side of a panel. */
export interface Axis {
  readonly name: string
  /** '' where it has none */
  readonly unit: string
  readonly scale?: 'linear' | 'log'
  /** default: what holds all points, from 0 on where linear */
  readonly min?: number
  readonly max?: number
}

export interface Series {
  /** in the legend; colours go by it, also across panels */
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** `line` joins the points in their order, `dots` shows each, `dotted_line` both; default `line` */
  readonly as?: 'line' | 'dots' | 'dotted_line'
}

/** One plot; panels of a chart stand above each other. */
export interface Panel {
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** moments that are named: a dashed line from bottom to top */
  readonly marks?: readonly { readonly x: number; readonly name: string }[]
}

use([LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer])

/** Okabe and Ito's palette without its yellow: told apart by colour-blind readers, and on white. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000']
const WIDTH = 900
const PANEL = 260
const HEAD = 86
const FOOT = 64

/** The chart as the text of an SVG file, on white. */
export function drawChart({ title, panels }: { readonly title: string; readonly panels: readonly Panel[] }): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))]
  const height = HEAD + panels.length * (PANEL + FOOT)
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      textStyle: { fontFamily: 'sans-serif' },
      title: { text: title, left: 'center', top: 12, textStyle: { fontSize: 16 } },
      legend: { data: names, top: 44, itemGap: 32 },
      grid: panels.map((_, i) => ({ left: 84, right: 32, top: HEAD + i * (PANEL + FOOT), height: PANEL })),
      xAxis: panels.map(({ x }, i) => ({ ...axis(x), gridIndex: i, nameGap: 28 })),
      yAxis: panels.map(({ y }, i) => ({ ...axis(y), gridIndex: i, nameGap: 56 })),
      series: panels.flatMap(({ series, marks }, i) =>
        series.map(({ name, points, as = 'line' }, s) => ({
          name,
          type: as === 'dots' ? 'scatter' : 'line',
          xAxisIndex: i,
          yAxisIndex: i,
          data: points,
          showSymbol: as === 'dotted_line',
          symbolSize: 7,
          lineStyle: { width: 1.5 },
          color: COLOURS[names.indexOf(name) % COLOURS.length],
          ...(s === 0 && marks && { markLine: markLine(marks) }),
        })),
      ),
    })
    return `${chart.renderToSVGString()}\n`
  } finally {
    chart.dispose()
  }
}

function axis({ name, unit, scale = 'linear', min, max }: Axis) {
  return {
    type: scale === 'log' ? 'log' : 'value',
    name: unit === '' ? name : `${name} (${unit})`,
    nameLocation: 'middle',
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    axisLine: { show: true },
    axisTick: { show: true },
  }
}

function markLine(marks: NonNullable<Panel['marks']>) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: '#666', type: 'dashed' },
    label: { formatter: '{b}', position: 'insideEndTop', color: '#444' },
    data: marks.map(({ x, name }) => ({ xAxis: x, name })),
  }
}
