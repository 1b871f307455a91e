import { describe, expect, it } from 'vitest'
import {
  cellsOf,
  contractOf,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  publishLog,
  signalOf,
  T0,
} from '../test/support/disclosure.ts'

const number = { meaning: 'm', unit: 'Cel', range: [0, 100], step: 1 }
const signals = [signalOf('press-7/oil', { unit: 'Cel' })]

/** A stream of one minute a slot and two a batch, with a maximum over `window` from the same signal for both presses. */
function planWith(window: string, budget: object) {
  const columns = { max: { ...number, stat: 'max', window } }
  const contract = contractOf({ s: { kind: 'stream', grid: '1m', cadence: '2m', columns } })
  const assets = { 'press-7': { class: 'press' }, 'press-8': { class: 'press' } }
  const rule = { from: 'press-7/oil', range: [0, 100], step: 1, noise: { epsilon: 0.5 } }
  return planOf(contract, policyOf({ s: { max: rule } }, { assets, budget }), signals)
}
/** A reading a minute, its number as value; none in the minutes of `silent`. */
const logFor = (minutes: number, silent: readonly number[] = []) =>
  logOf(
    Array.from({ length: minutes + 2 }, (_, i) => ({
      arrival: T0 + i * MINUTE,
      rows: i === 0 || silent.includes(i) ? [] : [[0, T0 + i * MINUTE - 1, i] as const],
      complete: { plc: { 'press-7': T0 + i * MINUTE } },
    })),
  )
const cellsIn = ({ periods }: ReturnType<typeof publishLog>) => periods.flatMap((period) => cellsOf(period, 'max'))

describe('noised cells', () => {
  it('are drawn once for all assets that share their signal, and declared', () => {
    let draws = 0
    const published = publishLog(logFor(4), planWith('1m', { window: '1m', epsilon: 1 }), signals, {
      laplace: () => 1_000 * ++draws,
    })
    expect(cellsIn(published).map(([value]) => value)).toEqual([1001, 1001, 2002, 2002, 3003, 3003, 4004, 4004])
    const [column] = published.periods[0]!.columns
    expect(column).toMatchObject({
      noise: { mechanism: 'discrete-laplace', scale: '200', sensitivity: 100, epsilon: '0.5', unit: 'one reading' },
    })
  })

  it('are null once the budget is spent, and every window is charged, with or without readings', () => {
    const plan = planWith('1m', { window: '4m', epsilon: 1 })
    const { ledger, noise, ...published } = publishLog(logFor(8, [2]), plan, signals)
    const q = cellsIn(published as never).map(([, mark]) => mark)
    expect(q).toEqual([0, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2])
    expect(ledger).toEqual({ 'press-7/oil disclosed': 3, 'press-7/oil withheld exhausted': 4 })
    expect(noise.charges.map(({ start }) => (start - T0) / MINUTE)).toEqual([4, 5])
    expect(noise.counted_from).toBe(T0 + 3 * MINUTE)
  })

  it('are null where their draw was not committed, and so are readings refused that show nowhere else', () => {
    const plan = planWith('1m', { window: '1m', epsilon: 1 })
    let marks = 0
    const published = publishLog(logFor(6), plan, signals, { crashAtMark: () => ++marks === 2 })
    expect(cellsIn(published).map(([value]) => value)).toEqual([1, 1, 2, 2, null, null, null, null, 5, 5, 6, 6])
    expect(published.ledger).toEqual({ 'press-7/oil disclosed': 4, 'press-7/oil withheld redraw_refused': 2 })
    expect(published.noise.charges.at(-1)).toEqual({ signal: 'press-7/oil', start: T0 + 5 * MINUTE, micro: 500_000 })
  })

  it('stay as they were drawn in the batches that show the window again, whenever it begins anew', () => {
    const plan = planWith('3m', { window: '3m', epsilon: 1 })
    let [draws, calls] = [0, 0]
    const published = publishLog(logFor(12), plan, signals, {
      laplace: () => 1_000 * ++draws,
      crash: () => ++calls % 7 === 0 && calls < 60,
    })
    const byWindow = Object.groupBy(
      cellsIn(published).slice(6), // of a window before the stream there is nothing
      (_, i) => Math.floor(i / 6),
    )
    for (const cells of Object.values(byWindow)) expect(new Set(cells!.map(([value]) => value)).size).toBe(1)
    expect(
      cellsIn(published)
        .slice(6)
        .every(([value]) => Number(value) >= 1_000),
    ).toBe(true)
  })

  it('are null for a whole budget window after what is not known to have been charged', () => {
    const plan = planWith('1m', { window: '3m', epsilon: 4 })
    const noise = { charges: [], counted_from: T0 + 2 * MINUTE, drawn_until: {} }
    const published = publishLog(logFor(6), plan, signals, { noise })
    expect(cellsIn(published).map(([value]) => value)).toEqual([...Array(10).fill(null), 6, 6])
  })
})
