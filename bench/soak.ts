import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { type PoolProcess, startPoolProcess } from '../agent/demo/pool-process.ts'
import { freePort } from '../test/support/free-port.ts'
import { writeKey } from '../test/support/key-file.ts'
import { parseSigningKey } from '../uplink/signature.ts'
import { POOL, writePlantFiles } from './plant-files.ts'
import type { Sample, SoakLine } from './soak-agent.ts'
import { CADENCE, drawSoak, SLOT, type SoakResult, type SoakRun, soakResult } from './soak-report.ts'

const ASSETS = 10
const NAMES = 100
/** ms; one fifth of the readings that the other benchmarks have, so that a week takes minutes */
const PERIOD = 5_000

interface Extent {
  /** hours: with the pool, without it, after the backlog has drained, and between two samples */
  readonly before: number
  readonly offline: number
  readonly after: number
  readonly every: number
  readonly buffer: string
  /** where the picture goes */
  readonly chart: string
}

const FULL: Extent = {
  before: 12,
  offline: 7 * 24,
  after: 36,
  every: 1,
  buffer: 'flush: 10s, max_size: 128MB, when_full: thin_oldest',
  chart: join(import.meta.dirname, '../docs/soak.svg'),
}
const QUICK: Extent = {
  before: 2,
  offline: 4,
  after: 2,
  every: 0.2,
  buffer: 'flush: 10s, max_size: 16MB, when_full: thin_oldest, max_sealed_ahead: 1h, keep_raw: 1h',
  chart: join(tmpdir(), 'sluice-soak.svg'),
}

/**
 * A plant of 1,000 signals at 5 s lives for days without its pool, faster than time; then the pool comes back and takes the
 * backlog, and the file gives its room back. Draws file, readings and memory over time.
 */
export async function benchSoak(options: {
  readonly quick: boolean
  readonly say: (line: string) => void
}): Promise<SoakResult & { readonly chart: string; readonly took_min: number }> {
  const extent = options.quick ? QUICK : FULL
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    const began = performance.now()
    const run = { ...(await soak(folder, extent, options.say)), rows: await readRows(join(folder, 'pool/lake')) }
    writeFileSync(extent.chart, drawSoak(run))
    const took_min = Math.round((performance.now() - began) / 6_000) / 10
    return { ...soakResult(run), chart: extent.chart, took_min }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the plant beside its pool. @returns what was seen */
async function soak(folder: string, extent: Extent, say: (line: string) => void): Promise<Omit<SoakRun, 'rows'>> {
  const port = await freePort()
  const receipt_key = parseSigningKey(writeKey(join(folder, 'receipt.key'))).id
  const config = writePlantFiles(folder, {
    assets: ASSETS,
    names: NAMES,
    period: `${PERIOD / 1_000}s`,
    grid: `${SLOT / 60_000}m`,
    cadence: `${CADENCE / 60_000}m`,
    size_class: '256KiB',
    buffer: extent.buffer,
    pool: `url: "http://127.0.0.1:${port}", receipt_key: "${receipt_key}"`,
  })
  const poolConfig = writePoolConfig(folder, port)
  const hours = (n: number): string => String(n * 3_600_000)
  const agent = spawn(
    process.execPath,
    [
      '--max-semi-space-size=1', // as in deploy/sluice.service
      join(import.meta.dirname, 'soak-agent.ts'),
      config,
      ...[
        '--before',
        hours(extent.before),
        '--offline',
        hours(extent.offline),
        '--after',
        hours(extent.after),
        '--every',
        hours(extent.every),
      ],
      ...['--period', String(PERIOD), '--cadence', String(CADENCE)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(agent, 'exit')
  const samples: Sample[] = []
  const days = { gone: 0, back: 0, taken: 0, drained: 0 }
  let pool: PoolProcess | undefined = await startPoolProcess(poolConfig)
  try {
    for await (const text of createInterface(agent.stdout)) {
      const line = JSON.parse(text) as SoakLine
      switch (line.kind) {
        case 'sample':
          samples.push(line)
          if (samples.length % 24 === 0) say(`soak: day ${line.day.toFixed(2)}: ${told(line)}`)
          break
        case 'end':
          await ended
          return { ...line, signals: ASSETS * NAMES, period: PERIOD, samples, days }
        default:
          days[line.kind] = line.day
          say(`soak: day ${line.day.toFixed(2)}: ${PHASES[line.kind]}`)
          if (line.kind === 'gone') await pool?.[Symbol.asyncDispose]()
          if (line.kind === 'back') pool = await startPoolProcess(poolConfig)
      }
    }
    throw new Error('the agent ended early')
  } finally {
    agent.kill('SIGKILL')
    await pool?.[Symbol.asyncDispose]()
  }
}

const PHASES = {
  gone: 'the pool is gone',
  back: 'the pool is back',
  taken: 'it takes batches',
  drained: 'it has all of the backlog',
} as const

function told({ file_mb, pending, rss_mb }: Sample): string {
  return `${Math.round(file_mb)} MB on disk, ${Math.round(pending / 1e6)} million readings pending, ${Math.round(rss_mb)} MB resident`
}

/** The reference pool's, beside the plant's files. @returns the configuration's path */
function writePoolConfig(folder: string, port: number): string {
  const plant = parseSigningKey(readFileSync(join(folder, 'signing.key'), 'utf8')).id
  const path = join(folder, 'pool.yaml')
  writeFileSync(
    path,
    `version: 1
listen: { port: ${port} }
data_dir: pool
receipt_key: { file: receipt.key }
pools: { ${POOL}: { contract: contract.yaml, contributors: { plant: "${plant}" } } }
`,
  )
  return path
}

/** Of every row that the lake holds, what it is of: read as anyone would read it. */
async function readRows(lake: string): Promise<SoakRun['rows']> {
  const rows: { readonly asset: string; readonly slot: number }[] = []
  for await (const path of glob('**/*.parquet', { cwd: lake })) {
    const { buffer } = new Uint8Array(await readFile(join(lake, path)))
    const read = await parquetReadObjects({
      file: buffer,
      columns: ['asset', 'slot'],
      compressors: { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) },
    })
    for (const { asset, slot } of read) rows.push({ asset: String(asset), slot: Number(slot) })
  }
  return rows
}
