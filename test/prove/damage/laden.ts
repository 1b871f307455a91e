import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../../buffer/store.ts'
import { type UnixMs, unixMs } from '../../../core/brand.ts'
import type { LedgerEntry } from '../../../core/ledger.ts'
import { silentLog } from '../../../core/log.ts'
import type { Value } from '../../../core/signal.ts'
import { commitOf, publicationTo, signalSpec, T0 } from '../../support/store.ts'

/** A reading as it was written; its place in the list is its sequence. */
export interface Written {
  readonly signal: string
  readonly value: Value
  readonly at: number
}

/** What a store was told before it was damaged. */
export interface Laden {
  readonly readings: readonly Written[]
  readonly pools: ReadonlyMap<string, LadenPool>
  /** payloads by batch id */
  readonly batches: ReadonlyMap<string, Buffer>
  /** wall time of the last commit */
  readonly until: UnixMs
}

export interface LadenPool {
  readonly start: number
  cursor: number
  /** end of the last slot of which a batch was handed out for delivery */
  sent: number
}

export const FILES = ['sluice.db', 'sluice.db-wal', 'high-water'] as const
export const OPTIONS = {
  boot: 'proof',
  max_size: 256e6,
  max_age: 30 * 86_400_000,
  keep_raw: 3_600_000,
  log: silentLog,
  machine: 'machine-1',
} as const

const SLOT = 60_000
const SIGNALS = ['a', 'b', 'c', 'd', 'e', 'f'] as const

/**
 * Fills a store with numbered readings of several signals, two pools that publish and deliver, marks, outages and memos, and
 * copies its files while it is open, as a process that is killed leaves them, and once more after it was closed.
 * @param folders.live where the store works
 * @param folders.killed where the copy of the open store goes; `folders.old` one from earlier
 */
export function lade(
  folders: { readonly live: string; readonly killed: string; readonly old: string; readonly closed: string },
  random: () => number,
): Laden {
  const below = (n: number): number => Math.floor(random() * n)
  const readings: Written[] = []
  const pools = new Map<string, LadenPool>()
  const batches = new Map<string, Buffer>()
  let after = 0
  let slot = T0
  const commits = 60 + below(240)
  const most = random() < 0.3 ? 2_000 : 60
  {
    using store = openStore({ ...OPTIONS, data_dir: folders.live, now: T0 })
    store.startRun(['plc'], T0)
    store.intern(SIGNALS.map(signalSpec))
    for (const name of ['p', 'q']) {
      store.openPool(name)
      pools.set(name, { start: 0, cursor: 0, sent: 0 })
    }
    for (let i = 0; i < commits; i++) {
      after += 200 + below(8_000)
      const fresh = Array.from({ length: below(most) }, (_, k): readonly [number, Value] => {
        const seq = readings.length + k
        return [below(SIGNALS.length), seq % 17 === 0 ? `text ${seq} ${'x'.repeat(below(200))}` : seq / 10]
      })
      const at = T0 + after
      store.append(
        commitOf(fresh, {
          after,
          complete: unixMs(at),
          marks: [{ session: 's', packet_id: i % 20, hash: Buffer.from(`hash ${i}`) }],
          outages:
            i % 9 === 0
              ? [
                  {
                    source: 'plc',
                    note: { kind: 'begin', device: `d${i}`, signal: null, reason: 'source-timeout', at },
                  },
                ]
              : [],
          counts: [{ source: 'plc', kind: 'unchanged', reason: '', n: 1 }],
        }),
      )
      for (const [signal, value] of fresh) readings.push({ signal: SIGNALS[signal]!, value, at })
      if (i % 5 === 0) store.setMemo('plc', `key ${below(10)}`, `${i}`)
      if (i === Math.floor(commits / 2)) copyFiles(folders.live, folders.old)
      if (i % 4 !== 0) continue
      slot = unixMs(slot + SLOT)
      for (const [name, pool] of pools) {
        if (random() < 0.2) continue
        publishTo(store, name, pool, below(Math.min(200, readings.length - pool.cursor + 1)), slot)
        const batch = random() < 0.6 ? store.nextBatch(name) : undefined
        if (!batch) continue
        pool.sent = Math.max(pool.sent, batch.until)
        if (random() < 0.7) {
          const receipt = { kind: 'file', path: '', sha256: batch.sha256 } as const
          store.settle(name, batch.id, { kind: 'delivered', receipt, at: unixMs(at) })
        }
      }
      if (i % 20 === 0) store.tidy(unixMs(at))
    }
    copyFiles(folders.live, folders.killed)
  }
  copyFiles(folders.live, folders.closed)
  return { readings, pools, batches, until: unixMs(T0 + after) }

  function publishTo(
    store: ReturnType<typeof openStore>,
    name: string,
    pool: LadenPool,
    keep: number,
    end: number,
  ): void {
    const to = readings.length - keep
    if (to < pool.cursor) return
    const late = below(to - pool.cursor + 1)
    const ledger: LedgerEntry[] = [
      { signal: 0, account: 'disclosed', reason: '', n: to - pool.cursor - late },
      { signal: 1, account: 'withheld', reason: 'late', n: late },
    ]
    const publication = publicationTo(store, name, to, { ledger, slot: end })
    const bytes = Buffer.from(`rows of ${name} ${end} `.repeat(1 + below(800)))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const batch = { ...publication.batch!, bytes, sha256 }
    store.commitPublication({ ...publication, batch })
    batches.set(batch.id, bytes)
    pool.cursor = to
  }
}

/** Copies the files that a data folder is made of, as they are now. */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const file of FILES) if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file))
}
