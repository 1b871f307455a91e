import plot from 'simple-ascii-chart'
import { formatDuration } from '../../core/option.ts'
import { withUnit } from '../../privacy/facts.ts'
import { formatTime, table } from '../cli/common.ts'
import type { RecentView } from './recent.ts'
import type { Chart } from './replay.ts'
import { BITS_TEXT, hourly, type PoolPreview } from './view.ts'

/** Charts that are drawn where none is asked for. */
const DRAWN = 3
const [WIDTH, HEIGHT] = [72, 10]

/** The preview of a pool as lines for a terminal. @param wanted signals to draw; the first few where none is named */
export function renderPreview(pool: PoolPreview, wanted: readonly string[]): string {
  if (pool.gate === 'shut') return `pool ${pool.pool}: gate shut, nothing leaves: ${pool.reason}`
  const { facts, signals, recent } = pool
  const { cells, bits } = hourly(facts)
  const leaves = signals.flatMap(({ signal, becomes }) =>
    becomes.map((c) => [
      `  ${signal}`,
      `${c.dataset}.${c.column}`,
      `${c.stat} over ${formatDuration(c.window_ms)}`,
      c.range ? `${c.range[0]} to ${withUnit(c.range[1], c.unit)} in steps of ${c.step}` : 'listed categories only',
      c.accepted_risk === null ? '' : `RISK ACCEPTED: ${c.accepted_risk}`,
    ]),
  )
  const withheld = signals.flatMap((s) => (s.withheld === null ? [] : [[`  ${s.signal}`, s.withheld]]))
  return [
    `pool ${pool.pool}: gate open`,
    ...(leaves.length > 0 ? [`leaves the plant\n${table(leaves)}`] : []),
    ...(withheld.length > 0 ? [`stays inside\n${table(withheld)}`] : []),
    `at most ${cells} cells and ${bits} bits an hour`,
    `  ${BITS_TEXT}`,
    ...('absent' in recent ? [recent.absent] : renderRecent(recent, wanted)),
  ].join('\n')
}

function renderRecent(
  { from, until, readings, charts, batches }: RecentView,
  wanted: readonly string[],
): readonly string[] {
  const meant = wanted.length > 0 ? charts.filter(({ signals }) => signals.some((id) => wanted.includes(id))) : charts
  const drawn = wanted.length > 0 ? meant : meant.filter(({ readings: n }) => n > 0).slice(0, DRAWN)
  const rows = meant.map(({ dataset, column, signals, readings: n, cells, marks }) => [
    `  ${signals.join(' ÷ ')}`,
    `${dataset}.${column}`,
    `${n} readings`,
    `${cells.length} slots`,
    ...Object.entries(marks).map(([mark, count]) => (count > 0 ? `${count} ${mark}` : '')),
  ])
  const files = batches.map(({ dataset, whole, file }) => [
    `  ${dataset}`,
    `${file.rows} rows${whole ? '' : ' of one slot: no period is whole yet'}`,
    `${file.manifest.pad_bytes} bytes of padding`,
  ])
  return [
    '',
    `${readings} readings stored from ${formatTime(from)} to ${formatTime(until)} become`,
    table(rows),
    ...(files.length > 0 ? [`files, sealed with keys made for this and decoded again\n${table(files)}`] : []),
    ...drawn.flatMap((chart) => ['', renderChart(chart)]),
    ...(drawn.length < meant.length ? [`\n${meant.length - drawn.length} more: --signal draws one, --html all`] : []),
  ]
}

/** Readings and cells over each other; of the readings of a stretch of time the middle between lowest and highest. */
function renderChart({ dataset, column, signals, apart, unit, first, slot, raw, cells }: Chart): string {
  const title = `${signals.join(' ÷ ')} → ${dataset}.${column}${unit === null || unit === '1' ? '' : `, ${unit}`}`
  const readings = raw.map(({ at, low, high }) =>
    at.flatMap((ms, i): [number, number][] => (low[i] === null ? [] : [[ms, (low[i]! + high[i]!) / 2]])),
  )
  const steps = cells.flatMap((cell, i): [number, number][] =>
    cell === null
      ? []
      : [
          [first! + i * slot, cell],
          [first! + (i + 1) * slot - 1, cell],
        ],
  )
  const lines = [...(apart ? [] : readings), steps].filter((points) => points.length > 1)
  if (lines.length === 0) return `${title}\n  too little to draw yet`
  const colours = lines.map((_, i) => (i === lines.length - 1 ? 'ansiBlue' : 'ansiYellow') as 'ansiBlue' | 'ansiYellow')
  const coloured = process.stdout.hasColors?.() ?? false
  const drawn = plot(lines, {
    ...{ width: WIDTH, height: HEIGHT, hideXAxisTicks: true },
    ...(coloured ? { color: colours } : {}),
  })
  const times = lines.flatMap((points) => [points[0]![0], points.at(-1)![0]])
  const both = coloured ? 'yellow: readings, blue: disclosed' : 'readings, and disclosed in steps'
  const told = apart ? 'disclosed; readings are of another magnitude' : both
  const span = `${formatTime(Math.min(...times))} to ${formatTime(Math.max(...times))}`
  return `${title}\n${drawn.replace(/^\n/, '').trimEnd()}\n  ${span}; ${told}`
}
