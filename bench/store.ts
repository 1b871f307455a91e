import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { encodeChunk } from '../buffer/chunk.ts'
import { gather } from '../buffer/gather.ts'
import type { Commit } from '../buffer/port.ts'
import { unixMs } from '../core/brand.ts'
import { makeClock } from '../core/clock.ts'
import { canTrace } from '../test/prove/powercut/disk-trace.ts'
import { openAgentStore } from '../test/support/agent-store.ts'
import { makePlantReadings } from './plant-readings.ts'

/** Bytes a reading, and fsyncs a second at one commit every `flush`. */
interface Wear {
  readonly written: number
  readonly file: number
  /** null without strace */
  readonly fsyncs_per_s: number | null
}

export interface StoreResult {
  /** bytes written to the disk a reading, with WAL and checkpoints: 1,000 signals at 1 s, `flush: 1s` and `5s` */
  readonly written_per_reading_1s: number
  readonly written_per_reading_5s: number
  /** the same for a bare SQLite row of as many bytes as a chunk has */
  readonly floor_1s: number
  readonly floor_5s: number
  /** of the file, at `flush: 1s` and `5s` */
  readonly file_per_reading: number
  readonly file_per_reading_5s: number
  readonly fsyncs_per_s: number | null
  readonly gb_per_day: number
  readonly alternatives: Readonly<Record<'row_1s' | 'row_5s' | 'json_1s' | 'json_5s', Wear>>
  /** readings a second through the worker thread, in commits of 5,000 */
  readonly durable_per_s: number
  /** lateness of a 10 ms loop: alone, beside the store, and the same with every fsync 20 ms longer (null without strace) */
  readonly jitter_p99_bare_ms: number
  readonly jitter_p99_ms: number
  readonly jitter_p99_slow_fsync_bare_ms: number | null
  readonly jitter_p99_slow_fsync_ms: number | null
}

const run = promisify(execFile)
const path = (name: string): string => join(import.meta.dirname, name)

/** What keeping readings costs a disk, how fast it is, and what it does to a poll loop. The temporary folder must be on a disk. */
export async function benchStore(options: {
  readonly quick: boolean
  readonly say: (line: string) => void
}): Promise<StoreResult> {
  const { quick, say } = options
  const strace = await canTrace()
  const minutes = quick ? 5 : 20
  const wear = (way: string, seconds: number, bytes = 0): Promise<Wear> =>
    wearOf({ way, seconds, commits: (minutes * 60) / seconds, bytes, strace })
  const [one, five] = [await wear('sluice', 1), await wear('sluice', 5)]
  say(`store: ${one.written.toFixed(1)} and ${five.written.toFixed(1)} bytes written a reading`)
  const [floor_1s, floor_5s] = [await wear('floor', 1, chunkBytes(1)), await wear('floor', 5, chunkBytes(5))]
  const alternatives = {
    row_1s: await wear('row', 1),
    row_5s: await wear('row', 5),
    json_1s: await wear('json', 1),
    json_5s: await wear('json', 5),
  }
  say('store: measuring how fast readings become durable')
  const durable_per_s = await durableRate(quick ? 2 : 10)
  say('store: measuring a poll loop beside it')
  const seconds = quick ? 5 : 30
  const jitter = await jitterOf([], seconds)
  const slow = strace ? await jitterOf(['-e', 'inject=fsync,fdatasync:delay_exit=20ms'], seconds) : null
  return {
    written_per_reading_1s: round(one.written),
    written_per_reading_5s: round(five.written),
    floor_1s: round(floor_1s.written),
    floor_5s: round(floor_5s.written),
    file_per_reading: round(one.file),
    file_per_reading_5s: round(five.file),
    fsyncs_per_s: one.fsyncs_per_s,
    gb_per_day: round((one.written * 1_000 * 86_400) / 1e9),
    alternatives,
    durable_per_s: Math.round(durable_per_s),
    jitter_p99_bare_ms: round(jitter.bare),
    jitter_p99_ms: round(jitter.stored),
    jitter_p99_slow_fsync_bare_ms: slow && round(slow.bare),
    jitter_p99_slow_fsync_ms: slow && round(slow.stored),
  }
}

/** What this plant's readings of some seconds are as a chunk. */
function chunkBytes(seconds: number): number {
  const plant = makePlantReadings(1_000)
  const blocks = Array.from({ length: seconds }, (_, s) => ({
    source: 'plc',
    block: plant.tick(unixMs(Date.UTC(2026, 10, 24) + s * 1_000)),
  }))
  return encodeChunk(gather(blocks, (feeds) => feeds.map((_, i) => i))).length
}

async function wearOf(input: {
  readonly way: string
  readonly seconds: number
  readonly commits: number
  readonly bytes: number
  readonly strace: boolean
}): Promise<Wear> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const counts = join(folder, 'counts')
  try {
    const args = [path('store-wear.ts'), input.way, folder, ...[input.commits, input.seconds, input.bytes].map(String)]
    const count = ['-f', '-qq', '-c', '-U', 'calls,name', '--seccomp-bpf', '-e', 'trace=fsync,fdatasync', '-o', counts]
    const { stdout } = input.strace
      ? await run('strace', [...count, process.execPath, ...args])
      : await run(process.execPath, args)
    const said = JSON.parse(stdout) as Record<'readings' | 'written' | 'file', number>
    const fsyncs = input.strace
      ? [...readFileSync(counts, 'latin1').matchAll(/^ *(\d+) f(?:data)?sync$/gm)].reduce((n, m) => n + Number(m[1]), 0)
      : null
    return {
      written: round(said.written / said.readings),
      file: round(said.file / said.readings),
      fsyncs_per_s: fsyncs === null ? null : round(fsyncs / (input.commits * input.seconds)),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Readings a second, with four commits under way, as several sources have. */
async function durableRate(seconds: number): Promise<number> {
  const clock = makeClock()
  await using agent = await openAgentStore(clock, { max_age: 1e12, keep_raw: 1e12 })
  const plant = makePlantReadings(1_000)
  await agent.store.intern(plant.signals)
  const commits = Array.from({ length: 20 }, (_, c): Commit => {
    const blocks = Array.from({ length: 5 }, (_, s) => plant.tick(unixMs(Date.now() + (c * 5 + s) * 1_000)))
    const arrival = blocks.at(-1)!.arrival
    return {
      blocks: blocks.map((block) => ({ source: 'plc', block })),
      arrival,
      monotonic: 0,
      sane: true,
      marks: [],
      outages: [],
      counts: [],
    }
  })
  let n = 0
  const start = performance.now()
  const end = start + seconds * 1_000
  const worker = async (first: number): Promise<void> => {
    for (let i = first; performance.now() < end; i += 4) {
      await agent.store.append(commits[i % commits.length]!)
      n += 5_000
    }
  }
  await Promise.all([0, 1, 2, 3].map(worker))
  return n / ((performance.now() - start) / 1_000)
}

async function jitterOf(
  inject: readonly string[],
  seconds: number,
): Promise<{ readonly bare: number; readonly stored: number }> {
  const args = [path('store-jitter.ts'), String(seconds)]
  const { stdout } =
    inject.length > 0
      ? await run('strace', [
          '-f',
          '-qq',
          '--seccomp-bpf',
          '-o',
          '/dev/null',
          '-e',
          'trace=fsync,fdatasync',
          ...inject,
          process.execPath,
          ...args,
        ])
      : await run(process.execPath, args)
  return JSON.parse(stdout) as { readonly bare: number; readonly stored: number }
}

function round(x: number): number {
  return Math.round(x * 100) / 100
}
