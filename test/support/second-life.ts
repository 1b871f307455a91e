import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePublisher } from '../../agent/daemon/publish.ts'
import { accountProblems } from '../../buffer/accounts.ts'
import { unixMs } from '../../core/brand.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { decodeParquet } from '../../uplink/parquet.ts'
import { contractOf, MINUTE, planOf, policyOf, signalOf } from './disclosure.ts'
import { gateOf } from './publishing.ts'
import { makeFolder, T0, type TestFolder } from './store.ts'

/** What a folder is found with that was killed, or put back, while a batch with noise was on its way into it. */
export const SECOND_LIVES = [
  'killed before the commit',
  'restored',
  'restored without its mark',
  'put back whole',
] as const
export type SecondLife = (typeof SECOND_LIVES)[number]

const signals = [signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: 10_000 } })]
const measured = { meaning: 'm', unit: 'Cel', range: [0, 100], step: 0.5 }
const contract = contractOf({
  s: {
    kind: 'stream',
    grid: '1m',
    cadence: '10m',
    columns: { mean: { ...measured, stat: 'mean' }, slow: { ...measured, stat: 'max', window: '15m' } },
  },
})
const rule = { from: '{asset}/oil', range: [0, 100], step: 1, noise: { epsilon: 0.001 } }
const plan = planOf(
  contract,
  policyOf({ s: { mean: rule, slow: rule } }, { budget: { window: '1m', epsilon: 1 } }),
  signals,
)

/** One noised cell that a pool was sent: what it must be one draw for, and its value. */
interface Sent {
  readonly draw: string
  /** null: it was sent without one */
  readonly value: number | null
}

/** What both lives sent. */
export interface Outcome {
  /** values beyond the first that were sent for one column, input and window */
  readonly redraws: number
  /** noised cells that the second life sent with a value, and null */
  readonly drawn: number
  readonly empty: number
  readonly problems: readonly string[]
}

/**
 * A folder lives for some time, and half an hour later a copy of it that was made while the first batch from minute `at` on was
 * being committed: its readings are in both, and what the first life sent is known.
 */
export function liveTwice(kind: SecondLife, at: number): Outcome {
  using first = makeFolder()
  using copy = makeFolder()
  let isCopied = false
  const before = live(first, [0, at + 30], {
    // What the disk has room for is asked within the transaction, once the mark is written.
    asked(minute) {
      if (minute < at || isCopied) return
      isCopied = true
      cpSync(first.path, copy.path, { recursive: true })
    },
    // Nothing more than that batch is sent by one that is killed.
    isOver: () => isCopied && kind === 'killed before the commit',
  })
  if (kind === 'restored') cpSync(join(first.path, 'high-water'), join(copy.path, 'high-water'))
  if (kind === 'restored without its mark') rmSync(join(copy.path, 'high-water'))
  if (kind === 'put back whole') forgetDraw(copy)
  const after = live(copy, [at + 30, at + 90])
  const values = Map.groupBy([...before.sent, ...after.sent], ({ draw }) => draw)
  let redraws = 0
  for (const sent of values.values()) redraws += Math.max(0, new Set(sent.flatMap(({ value }) => value ?? [])).size - 1)
  const drawn = after.sent.filter(({ value }) => value !== null).length
  return { redraws, drawn, empty: after.sent.length - drawn, problems: after.problems }
}

/** The high-water file as it was before the draw: an older one is whole, and of the same machine. */
function forgetDraw(folder: TestFolder): void {
  rmSync(join(folder.path, 'high-water'))
  cpSync(join(folder.path, 'high-water.before'), join(folder.path, 'high-water'))
}

function live(
  folder: TestFolder,
  [from, until]: readonly [number, number],
  watch: { readonly asked?: (minute: number) => void; readonly isOver?: () => boolean } = {},
) {
  let publishing: number | undefined
  const free = (): number => {
    if (publishing !== undefined) watch.asked?.(publishing)
    return 1e12
  }
  using store = folder.open({ now: unixMs(T0 + from * MINUTE), keep_raw: 30 * 86_400_000, free })
  const [index] = store.intern(signals)
  store.openPool('krjp')
  const publisher = makePublisher({ store, gate: gateOf('krjp', plan) })
  const sent: Sent[] = []
  for (let minute = from; minute < until; minute++) {
    const arrival = unixMs(T0 + minute * MINUTE)
    const builder = makeBlockBuilder()
    for (let i = 6; i > 0; i--) builder.add(index!, arrival - i * 10_000, 40 + (minute % 7))
    store.append({
      blocks: [{ source: 'plc', block: builder.take(arrival, { 'press-7': arrival }) }],
      arrival,
      monotonic: minute * MINUTE,
      sane: true,
      marks: [],
      outages: [],
      counts: [],
    })
    cpSync(join(folder.path, 'high-water'), join(folder.path, 'high-water.before'))
    publishing = minute
    while (publisher.step().kind !== 'idle');
    publishing = undefined
    for (let batch = store.nextBatch('krjp'); batch; batch = store.nextBatch('krjp')) {
      sent.push(...cellsOf(batch.bytes))
      const receipt = { kind: 'file', path: 'x', sha256: batch.sha256 } as const
      store.settle('krjp', batch.id, { kind: 'delivered', receipt, at: arrival })
    }
    if (watch.isOver?.()) break
  }
  const status = store.status(unixMs(T0 + until * MINUTE))
  return {
    sent,
    problems: accountProblems(status),
  }
}

function cellsOf(bytes: Uint8Array): readonly Sent[] {
  const columns = new Map(decodeParquet(bytes).columns.map(({ element, cells }) => [element.name, cells]))
  const slots = columns.get('slot')!.map(Number)
  return (['mean', 'slow'] as const).flatMap((name) =>
    columns.get(name)!.map((value, i) => {
      const window = name === 'mean' ? MINUTE : 15 * MINUTE
      return { draw: `${name} ${Math.floor(slots[i]! / window)}`, value: value as number | null }
    }),
  )
}
