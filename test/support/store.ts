import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commit, Publication, Store, StoreOptions } from '../../buffer/port.ts'
import { openStore } from '../../buffer/store.ts'
import { batchId, type SealedBatch } from '../../core/batch.ts'
import { rawSeq, type UnixMs, unixMs } from '../../core/brand.ts'
import { base32hex } from '../../core/encoding.ts'
import type { LedgerEntry } from '../../core/ledger.ts'
import { silentLog } from '../../core/log.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import type { SignalSpec, Value } from '../../core/signal.ts'

/** A noon in 2026 from which the tests count. */
export const T0 = unixMs(Date.UTC(2026, 5, 1, 12))

/** A data folder in the temporary directory, removed at the end of the scope. */
export interface TestFolder extends Disposable {
  readonly path: string
  /** Opens a store in it, with limits that nothing reaches unless said otherwise. */
  open(options?: Partial<StoreOptions>): Store
}

export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  return {
    path,
    open: (options) =>
      openStore({
        data_dir: path,
        boot: 'test',
        now: T0,
        max_size: 64e6,
        max_age: 30 * 86_400_000,
        keep_raw: 0,
        log: silentLog,
        machine: 'machine-1',
        ...options,
      }),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** A signal of asset `press`, fed by source `plc`. */
export function signalSpec(name: string): SignalSpec {
  return {
    id: `press/${name}`,
    asset: 'press',
    name,
    source: 'plc',
    type: 'float64',
    unit: 'Cel',
    cadence: { kind: 'periodic', every: 1_000 },
  }
}

/** A commit of readings `[signal index, value]`, all at its arrival, `after` ms after T0. */
export function commitOf(
  readings: readonly (readonly [number, Value | null])[],
  parts: Partial<Omit<Commit, 'arrival'>> & { readonly after?: number; readonly complete?: UnixMs } = {},
): Commit {
  const { after = 0, complete, ...rest } = parts
  const arrival = unixMs(T0 + after)
  const builder = makeBlockBuilder()
  for (const [signal, value] of readings) builder.add(signal, arrival, value)
  const block = builder.take(arrival, complete === undefined ? {} : { press: complete })
  return {
    blocks: [{ source: 'plc', block }],
    arrival,
    monotonic: after,
    sane: true,
    marks: [],
    outages: [],
    counts: [],
    ...rest,
  }
}

/** `n` readings of signal 0 that count up from `from`. */
export function numbered(from: number, n: number): readonly (readonly [number, number])[] {
  return Array.from({ length: n }, (_, i) => [0, from + i])
}

/** A batch whose bytes and id are made from its numbers. */
export function batchOf(pool: string, seq: number, parts: Partial<SealedBatch> = {}): SealedBatch {
  const bytes = parts.bytes ?? Buffer.from(`rows of ${pool} ${seq}`)
  return {
    id: batchId(base32hex(createHash('sha256').update(`${pool} ${seq} ${parts.dataset}`).digest().subarray(0, 16))),
    pool,
    dataset: 'hourly',
    contributor: 'C'.repeat(26),
    stream: 'stream',
    epoch: 0,
    seq,
    rows: 1,
    from: T0,
    until: unixMs(T0 + 60_000),
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    signature: 'signature',
    key: 'ed25519:key',
    ...parts,
  }
}

/** A publication that takes the pool's cursor to `to` and calls everything disclosed unless `ledger` says otherwise. */
export function publicationTo(
  store: Store,
  pool: string,
  to: number,
  parts: { readonly ledger?: readonly LedgerEntry[]; readonly slot?: number; readonly epoch?: number } = {},
): Publication {
  const { cursor } = store.openPool(pool)
  const { slot, epoch = 0 } = parts
  const n = to - cursor.raw_seq
  const disclosed: readonly LedgerEntry[] = n > 0 ? [{ signal: 0, account: 'disclosed', reason: '', n }] : []
  const next = { raw_seq: rawSeq(to), sealed_until: cursor.sealed_until }
  const publication = { pool, expect: cursor, next, ledger: parts.ledger ?? disclosed }
  if (slot === undefined) return publication
  return {
    ...publication,
    next: { ...next, sealed_until: { ...next.sealed_until, hourly: unixMs(slot) } },
    batch: batchOf(pool, store.nextSeq(pool, 'hourly', epoch), {
      epoch,
      from: unixMs(slot - 60_000),
      until: unixMs(slot),
    }),
  }
}

/** Every reading of the log, in order, as numbers. */
export function readingsOf(store: Store): readonly number[] {
  const found: number[] = []
  for (let position = store.positionOf(rawSeq(0)); ; ) {
    const blocks = store.blocks(position, 50)
    if (blocks.length === 0) return found
    for (const { block } of blocks) found.push(...block.values)
    position = blocks.at(-1)!.position + 1
  }
}

/** Appends until the log takes about `bytes` more: readings of signal 0 that do not compress, 8,000 a commit, one a second. */
export function fill(
  store: Store,
  bytes: number,
  onAppend: (evicted: readonly string[]) => void = () => undefined,
): void {
  const commits = Math.ceil(bytes / 64_000)
  const last = store.status(T0).accepted
  for (let i = 0; i < commits; i++) {
    const readings = Array.from({ length: 8_000 }, () => [0, Math.random()] as const)
    onAppend(store.append(commitOf(readings, { after: last + i * 1_000 })).evicted)
  }
}

/** The same, but for speed as a few long texts: 200 kB a commit. */
export function fillWithTexts(store: Store, bytes: number): void {
  for (let written = 0; written < bytes; written += 200_000) {
    store.append(commitOf([[0, randomBytes(200_000).toString('latin1')]], { after: written }))
  }
}
