import { stripVTControlCharacters, styleText } from 'node:util'
import type { BatchAccounts } from '../../buffer/batch-port.ts'
import type { Accounts } from '../../buffer/port.ts'
import { displayWidth } from '../../config/width.ts'
import type { SourceState } from '../daemon/collect.ts'

/** Everything the live view shows, as plain data. */
export interface DemoView {
  /** real seconds since the start */
  readonly elapsed_s: number
  /** seconds of plant time in a real second */
  readonly speed: number
  /** plant time, UnixMs */
  readonly plant_time: number
  readonly sources: readonly {
    readonly name: string
    readonly kind: string
    readonly state: SourceState['state']
    /** in a real second */
    readonly readings_per_s: number
  }[]
  readonly accounts: Accounts
  readonly batches: BatchAccounts
  /** rows that the pool has stored */
  readonly pool_rows: number
  /** the latest rows of each dataset, oldest first */
  readonly last_rows: readonly DemoTable[]
  /** open ones, a line each */
  readonly outages: readonly string[]
  readonly alarms: readonly string[]
}

export interface DemoTable {
  readonly dataset: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** The terminal it is drawn for. `colour`: what `stdout.hasColors()` says, which honours NO_COLOR. */
export interface Screen {
  readonly width: number
  readonly height: number
  readonly colour: boolean
}

/** Put before the first frame and after the last one: the cursor would jump about otherwise. */
export const HIDE_CURSOR = '\x1b[2J\x1b[?25l'
export const SHOW_CURSOR = '\x1b[?25h'

const LABEL = 12
const CELL = 12

/** The live view as lines that fit the screen, without line ends. */
export function renderView(view: DemoView, screen: Screen): readonly string[] {
  const style = (format: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string =>
    screen.colour ? styleText(format, text, { validateStream: false }) : text
  const { accounts, batches } = view
  const line = (label: string, text: string): string => `${style('dim', label.padEnd(LABEL))}${text}`
  const state = { up: 'green', connecting: 'yellow', down: 'red', off: 'red' } as const

  const lines = [
    style('bold', `Sluice demo  ${seconds(view.elapsed_s)}  plant time ${time(view.plant_time)} (${view.speed}×)`) +
      style('dim', '  Ctrl-C ends it'),
    '',
    ...view.sources.map((s) =>
      line(
        s === view.sources[0] ? 'plant' : '',
        `${s.name} (${s.kind}) ${style(state[s.state], s.state)}  ${count(s.readings_per_s)} readings/s`,
      ),
    ),
    ...ledger(accounts).map(([account, n, reasons], i) =>
      line(
        i === 0 ? 'raw log' : '',
        account.padEnd(10) + count(n).padStart(12) + (reasons === '' ? '' : style('dim', `  ${reasons}`)),
      ),
    ),
    line(
      'outbox',
      `sealed ${count(batches.sealed)} = queued ${count(batches.queued)} + delivered ${count(batches.delivered)} + quarantined ${count(batches.quarantined)} + dropped ${count(batches.dropped)}`,
    ),
    line('pool', `rows ${count(view.pool_rows)}`),
    ...view.outages.map((text) => line('outage', style('yellow', text))),
    ...view.alarms.map((text) => line('alarm', style('red', text))),
    ...view.last_rows.flatMap((table) => ['', ...renderTable(table, screen.width, style)]),
  ]
  return lines.slice(0, screen.height - 1).map((text) => fit(text, screen.width))
}

/** accepted = pending + disclosed + withheld + evicted, a line each. */
function ledger(accounts: Accounts): readonly (readonly [account: string, n: number, reasons: string])[] {
  const why = (reasons: Readonly<Record<string, number>>): string =>
    Object.entries(reasons)
      .flatMap(([reason, n]) => (n > 0 ? [`${reason} ${count(n)}`] : []))
      .join(', ')
  return [
    ['accepted', accounts.accepted, ''],
    ['pending', accounts.pending, ''],
    ['disclosed', accounts.disclosed, ''],
    ['withheld', total(accounts.withheld), why(accounts.withheld)],
    ['evicted', total(accounts.evicted), why(accounts.evicted)],
  ]
}

/** A table on its side: column names stand at the left, the newest row at the right, as many as there is room for. */
function renderTable(
  table: DemoTable,
  width: number,
  style: (format: 'bold' | 'dim', text: string) => string,
): readonly string[] {
  const names = Math.max(...[table.dataset, ...table.columns].map(displayWidth)) + 2
  const rows = table.rows.slice(-Math.max(1, Math.floor((width - names) / CELL)))
  return [
    style('bold', table.dataset),
    ...table.columns.map(
      (column, i) => style('dim', pad(column, names)) + rows.map((row) => cell(row[i] ?? null)).join(''),
    ),
  ]
}

/** Redraws in place: from the top, each line cleared to its end, the rest of the screen after the last one. */
export function paint(lines: readonly string[]): string {
  return `\x1b[H${lines.map((text) => `${text}\x1b[K\n`).join('')}\x1b[J`
}

/** The same in one line, for a pipe or a log. */
export function plainLine(view: DemoView): string {
  const { accounts, batches } = view
  const rate = view.sources.reduce((sum, s) => sum + s.readings_per_s, 0)
  return [
    seconds(view.elapsed_s),
    `${count(rate)} readings/s`,
    `accepted ${accounts.accepted}`,
    `pending ${accounts.pending}`,
    `disclosed ${accounts.disclosed}`,
    `withheld ${total(accounts.withheld)}`,
    `evicted ${total(accounts.evicted)}`,
    `sealed ${batches.sealed}`,
    `delivered ${batches.delivered}`,
    `pool rows ${view.pool_rows}`,
    ...(view.outages.length > 0 ? [`outages ${view.outages.length}`] : []),
    ...(view.alarms.length > 0 ? [`alarms ${view.alarms.length}`] : []),
  ].join('  ')
}

function total(reasons: Readonly<Record<string, number>>): number {
  return Object.values(reasons).reduce((sum, n) => sum + n, 0)
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}

function seconds(s: number): string {
  return `${Math.floor(s)} s`
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function cell(value: string | number | null): string {
  const text = value === null ? '–' : typeof value === 'number' ? String(Number(value.toPrecision(5))) : value
  return pad(shorten(text, CELL - 2), CELL)
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  for (const char of text) {
    if (displayWidth(kept + char) > width - 1) break
    kept += char
  }
  return `${kept}…`
}

/** Cuts a line to the screen; one that is too long loses its colours with it. */
function fit(text: string, width: number): string {
  const bare = stripVTControlCharacters(text)
  return displayWidth(bare) <= width ? text : shorten(bare, width)
}
