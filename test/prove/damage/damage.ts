import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountProblems } from '../../../buffer/accounts.ts'
import type { Store, StoreStatus } from '../../../buffer/port.ts'
import { openStore } from '../../../buffer/store.ts'
import { unixMs } from '../../../core/brand.ts'
import { valueAt } from '../../../core/reading-block.ts'
import { commitOf, signalSpec } from '../../support/store.ts'
import { makeRandom } from '../random.ts'
import { HARMS, type Harm } from './harms.ts'
import { copyFiles, type Laden, lade, OPTIONS } from './laden.ts'

export interface DamageResult {
  readonly files: number
  /** folders that could not be opened, or whose accounts did not add up afterwards */
  readonly failed_starts: number
  /** readable readings, of those that were before, over the harms that leave most of the bytes */
  readonly salvaged: number
  /** durable readings that are readable, counted, or within a recorded outage, of all */
  readonly accounted: number
  /** durable readings of the last minute that are in no count, but within a recorded outage */
  readonly uncounted: number
  /** readings that are not what was written, or that stand twice */
  readonly wrong: number
  /** slots that were handed out and would be sealed again, and batches with other bytes */
  readonly resealed: number
  /** share of readings that are readable afterwards, by harm */
  readonly by_harm: Readonly<Record<string, number>>
}

/** Folders that are harmed of each store that was filled. */
const COPIES = 2 * HARMS.length
const LATER = 7_200_000

/**
 * Harms the files of stores in every way, opens them, and checks that the start succeeds, that every reading that was durable
 * is readable, counted or within an outage, that none is another than was written, and that nothing is sealed twice.
 */
export function proveDamage(options: {
  readonly files: number
  readonly seed: number
  readonly say: (line: string) => void
}): DamageResult {
  const { files, say } = options
  const random = makeRandom(options.seed)
  say(`damage: ${files} files, seed ${options.seed}`)
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-damage-'))
  const kinds = new Map<string, { before: number; after: number }>()
  const sums = { failed_starts: 0, durable: 0, accounted: 0, uncounted: 0, wrong: 0, resealed: 0 }
  try {
    let laden: Laden | undefined
    for (let i = 0; i < files; i++) {
      const folders = foldersIn(scratch)
      if (i % COPIES === 0 || !laden) {
        rmSync(scratch, { recursive: true, force: true })
        mkdirSync(scratch)
        laden = lade(folders, random)
      }
      const harm = HARMS[i % HARMS.length]!
      const folder = join(scratch, `file-${i}`)
      copyFiles(harm.hot ? folders.killed : folders.closed, folder)
      const before = readable(folder, join(scratch, 'sound'), laden)
      const seed = Math.floor(random() * 2 ** 32)
      harm.act(folder, makeRandom(seed), folders.old)
      try {
        const found = inspect(folder, laden, harm)
        const kind = kinds.get(harm.name) ?? { before: 0, after: 0 }
        kinds.set(harm.name, { before: kind.before + before, after: kind.after + found.readable })
        for (const key of ['durable', 'accounted', 'uncounted', 'wrong', 'resealed'] as const) sums[key] += found[key]
        for (const problem of found.problems) say(`damage: file ${i}, ${harm.name}: ${problem}`)
        if (found.problems.length > 0) sums.failed_starts++
      } catch (error) {
        sums.failed_starts++
        say(`damage: file ${i}, ${harm.name}: ${error instanceof Error ? error.stack : String(error)}`)
      }
      rmSync(folder, { recursive: true, force: true })
      if ((i + 1) % 100 === 0) say(`damage: ${i + 1} files`)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const kept = HARMS.filter((harm) => !harm.removes).flatMap(({ name }) => kinds.get(name) ?? [])
  const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole)
  const { failed_starts, durable, accounted, uncounted, wrong, resealed } = sums
  return {
    files,
    failed_starts,
    salvaged: share(sum(kept.map(({ after }) => after)), sum(kept.map(({ before }) => before))),
    accounted: share(accounted, durable),
    uncounted,
    wrong,
    resealed,
    by_harm: Object.fromEntries([...kinds].map(([name, { before, after }]) => [name, share(after, before)])),
  }
}

function foldersIn(scratch: string) {
  return {
    live: join(scratch, 'live'),
    killed: join(scratch, 'killed'),
    old: join(scratch, 'old'),
    closed: join(scratch, 'closed'),
  }
}

/** Readings that can be read in a sound copy. */
function readable(folder: string, copy: string, laden: Laden): number {
  copyFiles(folder, copy)
  using store = openStore({ ...OPTIONS, data_dir: copy, now: laden.until })
  const { seen } = read(store, laden)
  rmSync(copy, { recursive: true })
  return seen.size
}

/** Reads the whole log. `wrong`: readings that are not what was written under their sequence, or come twice. */
function read(store: Store, { readings }: Laden): { readonly seen: ReadonlySet<number>; readonly wrong: number } {
  const seen = new Set<number>()
  let wrong = 0
  for (let position = 0; ; ) {
    const blocks = store.blocks(position, 100)
    if (blocks.length === 0) return { seen, wrong }
    for (const { seq, block } of blocks) {
      for (let i = 0; i < block.signals.length; i++) {
        const written = readings[seq + i]
        const { asset, name } = store.signal(block.signals[i]!)
        const isLost = asset === 'lost' // its row of the dictionary is gone, and it says so
        const isRight =
          written !== undefined &&
          (isLost || written.signal === name) &&
          written.at === block.times[i] &&
          written.value === valueAt(block, i)
        if (!isRight || seen.has(seq + i)) wrong++
        seen.add(seq + i)
      }
    }
    position = blocks.at(-1)!.position + 1
  }
}

function inspect(folder: string, laden: Laden, harm: Harm) {
  const problems: string[] = []
  const original = readFileSync(join(folder, 'sluice.db'))
  const now = unixMs(laden.until + LATER)
  let found: ReturnType<typeof read>
  let status: StoreStatus
  let resealed = 0
  {
    using store = openStore({ ...OPTIONS, data_dir: folder, now })
    store.startRun(['plc'], now)
    problems.push(...accountProblems(store.status(now)))
    found = retried(store, () => read(store, laden))
    status = store.status(now)
    resealed = retried(store, () => resealable(store, laden))
    problems.push(...accountProblems(store.status(now)), ...goesOn(store, laden, now))
  }
  {
    using store = openStore({ ...OPTIONS, data_dir: folder, now })
    problems.push(...accountProblems(store.status(now)))
  }
  if (harm.name.includes('another') || harm.name.includes('newer')) {
    const aside = readdirSync(folder).find((name) => /\.(foreign|newer)-/.test(name))
    if (!aside || !readFileSync(join(folder, aside)).equals(original)) problems.push('was not set aside as it was')
  }
  return {
    problems,
    resealed,
    wrong: found.wrong,
    readable: found.seen.size,
    ...accountFor(found.seen, status, laden, problems),
  }
}

/** Damage that is found while the store is open is answered by a refusal and the next call. */
function retried<T>(store: Store, act: () => T): T {
  try {
    return act()
  } catch {
    store.marks('')
    return act()
  }
}

/** Each durable reading is readable, or its sequence is one that the log knows to be lost, or its time lies in an outage. */
function accountFor(seen: ReadonlySet<number>, status: StoreStatus, laden: Laden, problems: string[]) {
  const { readings, pools } = laden
  const outages = status.outages.filter(({ reason }) => reason === 'damage' || reason === 'agent_down')
  let [accounted, uncounted] = [0, 0]
  for (const [seq, { at }] of readings.entries()) {
    if (seen.has(seq) || seq < status.accepted) accounted++
    else if (outages.some(({ from, until }) => from <= at && at <= (until ?? at))) {
      accounted++
      uncounted++
    }
  }
  for (const [name, { cursor }] of pools) {
    const pool = status.pools[name]
    if (!pool) continue // nothing at all told of it
    let lost = 0
    for (
      let seq = Math.max(cursor, pool.accounts.accepted === 0 ? status.accepted : 0);
      seq < Math.min(readings.length, status.accepted);
      seq++
    ) {
      if (!seen.has(seq)) lost++
    }
    const { damage = 0 } = pool.accounts.evicted
    if (damage < lost) problems.push(`pool ${name}: ${lost} pending readings are lost, ${damage} counted`)
  }
  return { durable: readings.length, accounted, uncounted }
}

/** Slots that were handed out and might be sealed anew, and batches that are not what was sealed. */
function resealable(store: Store, { pools, batches }: Laden): number {
  let found = 0
  for (const [name, { sent }] of pools) {
    const { cursor, stream_since } = store.openPool(name)
    if ((cursor.sealed_until.hourly ?? stream_since ?? 0) < sent) found++
    for (let batch = store.nextBatch(name); batch; batch = store.nextBatch(name)) {
      if (!batches.get(batch.id)?.equals(Buffer.from(batch.bytes))) found++
      store.settle(name, batch.id, { kind: 'dropped', reason: 'proof', at: unixMs(batch.until) })
    }
  }
  return found
}

/** The store is as good as any: it takes readings under new sequences, and a pool can pass them all. */
function goesOn(store: Store, laden: Laden, now: number): readonly string[] {
  const [signal] = store.intern([signalSpec('new')])
  const after = now - laden.until
  const { seq } = store.append({ ...commitOf([[signal!, 1]], { after }), arrival: unixMs(now) })
  const problems =
    seq < Math.max(0, ...[...laden.pools.values()].map(({ cursor }) => cursor)) && seq !== 0
      ? [`sequence ${seq} is given out again`]
      : []
  for (const name of laden.pools.keys()) {
    const { cursor } = store.openPool(name)
    let n = 0
    for (let position = store.positionOf(cursor.raw_seq); ; ) {
      const blocks = store.blocks(position, 100)
      if (blocks.length === 0) break
      for (const block of blocks) n += Math.max(0, block.block.signals.length - Math.max(0, cursor.raw_seq - block.seq))
      position = blocks.at(-1)!.position + 1
    }
    const next = { ...cursor, raw_seq: (seq + 1) as typeof cursor.raw_seq }
    store.commitPublication({
      pool: name,
      expect: cursor,
      next,
      ledger: [{ signal: signal!, account: 'withheld', reason: 'unlisted', n }],
    })
    const { pending } = store.status(unixMs(now)).pools[name]!.accounts
    if (pending !== 0) problems.push(`pool ${name}: ${pending} readings stay pending`)
  }
  store.tidy(unixMs(now))
  return problems
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
