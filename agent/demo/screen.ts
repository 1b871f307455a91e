import type { AgentStatus } from '../daemon/status.ts'
import type { LakeRow } from './summary.ts'
import { type DemoTable, type DemoView, HIDE_CURSOR, paint, plainLine, renderView, SHOW_CURSOR } from './view.ts'

/** Rows of each dataset that the view shows. */
const LAST_ROWS = 6

/** Where the demo draws: a live view on a terminal, a line each time elsewhere. */
export interface DemoScreen extends Disposable {
  show(view: DemoView): void
}

/** @param quiet stdout is kept for the summary: lines go to stderr, and no view is drawn */
export function openScreen(quiet: boolean): DemoScreen {
  const out = process.stdout
  if (quiet || !out.isTTY) {
    const to = quiet ? process.stderr : out
    return { show: (view) => void to.write(`${plainLine(view)}\n`), [Symbol.dispose]: () => undefined }
  }
  out.write(HIDE_CURSOR)
  let open = true
  return {
    show(view) {
      out.write(paint(renderView(view, { width: out.columns, height: out.rows, colour: out.hasColors() })))
    },
    [Symbol.dispose]() {
      if (open) out.write(SHOW_CURSOR)
      open = false
    },
  }
}

/** The view of one moment, from what the agent says and what lies in the lake. */
export function viewOf(input: {
  readonly status: AgentStatus
  readonly pool: string
  readonly lake: ReadonlyMap<string, readonly LakeRow[]>
  readonly elapsed_ms: number
  readonly speed: number
}): DemoView {
  const { status, lake, speed } = input
  const { accounts, batches } = status.store.pools[input.pool]!
  return {
    elapsed_s: input.elapsed_ms / 1_000,
    speed,
    plant_time: status.now,
    sources: Object.entries(status.sources).map(([name, s]) => ({
      name,
      kind: s.kind,
      state: s.state,
      readings_per_s: s.readings_per_s * speed,
    })),
    accounts,
    batches,
    pool_rows: [...lake.values()].reduce((sum, rows) => sum + rows.length, 0),
    last_rows: [...lake].map(([dataset, rows]) => lastRows(dataset, rows)),
    outages: status.store.outages
      .filter((o) => o.until === null)
      .map((o) => `${[o.source, o.device, o.signal].filter((x) => x !== null).join(' / ')}: ${o.reason}`),
    alarms: status.store.alarms.filter((a) => a.until === null).map((a) => `${a.key}: ${a.message}`),
  }
}

function lastRows(dataset: string, rows: readonly LakeRow[]): DemoTable {
  const shown = rows.slice(-LAST_ROWS)
  const columns = Object.keys(shown[0] ?? {}).filter((column) => !column.startsWith('q_') && column !== 'asset_class')
  return { dataset, columns, rows: shown.map((row) => columns.map((column) => cell(row[column]))) }
}

function cell(value: unknown): string | number | null {
  if (value instanceof Date) return value.toISOString().slice(11, 16)
  if (typeof value === 'number') return Number(value.toPrecision(6)) // FLOAT columns carry single precision
  return typeof value === 'string' ? value.slice(0, 10) : null
}
