import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { accountProblems } from '../../buffer/accounts.ts'
import { databasePath, faultOf, isDamage } from '../../buffer/database.ts'
import type { BatchSurvey, Survey } from '../../buffer/look.ts'
import type { StoreStatus } from '../../buffer/port.ts'
import { Fault } from '../../core/fault.ts'
import { type BufferDesk, localBuffer, remoteBuffer } from '../daemon/buffer-desk.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import {
  type CommonOptions,
  EXIT_FAILED,
  formatBytes,
  loadWithGateway,
  printJson,
  table,
  unlessAbsent,
} from './common.ts'

/** Blocks and batches that are asked for at a time. */
export const PIECE = 32
/** A backlog that drains while it is looked at is looked at again, this often. */
const TRIES = 3

/** An open buffer and the folder it lies in. */
export interface OpenBuffer extends Disposable {
  readonly desk: BufferDesk
  readonly data_dir: string
  readonly running: boolean
}

/**
 * The buffer of the running agent, else of its data folder, else the named file, such as one that was set aside.
 * @returns undefined where the configuration is not right, which was said then
 * @throws Fault as `readTables`
 */
export async function openBuffer(file: string | undefined, options: CommonOptions): Promise<OpenBuffer | undefined> {
  if (file !== undefined) return opened(resolve(file))
  const loaded = loadWithGateway(options.config)
  if (!loaded) return undefined
  const { data_dir } = loaded.gateway
  const socket = socketPath(data_dir, loaded.control?.socket)
  const desk = remoteBuffer((argument) => askAgent(socket, 'buffer', argument))
  if (await unlessAbsent(desk.ask({ kind: 'signals' })))
    return { desk, data_dir, running: true, [Symbol.dispose]: () => undefined }
  return opened(databasePath(data_dir))
}

function opened(file: string): OpenBuffer {
  if (!existsSync(file)) throw new Fault('agent-absent', { file }, 'there is no such file')
  try {
    const desk = localBuffer(file, dirname(file))
    return { desk, data_dir: dirname(file), running: false, [Symbol.dispose]: () => desk[Symbol.dispose]() }
  } catch (error) {
    if (isDamage(error))
      throw new Fault(
        'store-damaged',
        { file },
        'the file is damaged: `sluice buffer repair FILE` makes a readable one of it',
        { cause: error },
      )
    throw faultOf(error, file) ?? error
  }
}

/** Everything that lies in the blocks and batches of a buffer. */
interface Found {
  readonly status: StoreStatus
  readonly log: Survey
  readonly batches: BatchSurvey
  /** readings by signal id */
  readonly signals: Readonly<Record<string, number>>
}

/** Looks through the whole buffer, piece by piece. @param now UnixMs */
async function survey(desk: BufferDesk, now: number): Promise<Found> {
  const status = await desk.ask({ kind: 'status', now })
  let log: Survey = { next: 0, first: null, blocks: 0, ranges: [], signals: {}, from: null, until: null, problems: [] }
  for (let position: number | null = 0; position !== null; ) {
    const piece: Survey = await desk.ask({ kind: 'survey', position, limit: PIECE })
    log = joined(log, piece)
    position = piece.next
  }
  let batches: BatchSurvey = { next: 0, batches: 0, bytes: 0, problems: [] }
  for (let after: number | null = 0; after !== null; ) {
    const piece: BatchSurvey = await desk.ask({ kind: 'batches', after, limit: PIECE })
    batches = {
      next: piece.next,
      batches: batches.batches + piece.batches,
      bytes: batches.bytes + piece.bytes,
      problems: [...batches.problems, ...piece.problems],
    }
    after = piece.next
  }
  const specs = await desk.ask({ kind: 'signals' })
  const signals: Record<string, number> = {}
  for (const [index, n] of Object.entries(log.signals)) {
    const id = specs[Number(index)]?.id ?? `signal ${index}`
    signals[id] = (signals[id] ?? 0) + n
  }
  return { status, log, batches, signals }
}

function joined(a: Survey, b: Survey): Survey {
  const signals: Record<number, number> = { ...a.signals }
  for (const [index, n] of Object.entries(b.signals)) signals[Number(index)] = (signals[Number(index)] ?? 0) + n
  return {
    next: b.next,
    first: a.first ?? b.first,
    blocks: a.blocks + b.blocks,
    ranges: [...a.ranges, ...b.ranges],
    signals,
    from: a.from ?? b.from,
    until: b.until ?? a.until,
    problems: [...a.problems, ...b.problems],
  }
}

/** Files beside the database that a start has set aside. */
function setAside(data_dir: string): readonly { readonly file: string; readonly bytes: number }[] {
  return readdirSync(data_dir)
    .filter((name) => /^sluice\.db\.(damaged|foreign|newer)-/.test(name))
    .map((name) => ({ file: join(data_dir, name), bytes: statSync(join(data_dir, name)).size }))
}

/** `sluice buffer inspect [FILE]`: what is in the buffer. */
export async function inspectBuffer(file: string | undefined, options: CommonOptions): Promise<void> {
  using buffer = await openBuffer(file, options)
  if (!buffer) return
  const { status, log, batches, signals } = await survey(buffer.desk, Date.now())
  const readings = log.ranges.reduce((sum, [from, to]) => sum + to - from, 0)
  const aside = setAside(buffer.data_dir)
  const { blocks, from, until } = log
  if (options.json) {
    printJson({
      running: buffer.running,
      blocks,
      readings,
      from,
      until,
      signals,
      batches: { held: batches.batches, bytes: batches.bytes },
      set_aside: aside,
      pools: status.pools,
      disk: status.disk,
    })
    return
  }
  const iso = (at: number | null): string => (at === null ? '-' : new Date(at).toISOString())
  console.log(`readings  ${readings} in ${blocks} blocks, which arrived from ${iso(from)} to ${iso(until)}`)
  const { file_bytes, wal_bytes, raw_bytes, outbox_bytes } = status.disk
  console.log(
    `disk      ${formatBytes(file_bytes + wal_bytes)}: raw ${formatBytes(raw_bytes)}, outbox ${formatBytes(outbox_bytes)}`,
  )
  for (const [name, { accounts, batches: b, cursor }] of Object.entries(status.pools)) {
    console.log(
      `pool ${name}: ${accounts.pending} pending from reading ${cursor.raw_seq} on; batches: ${b.queued} queued, ${b.quarantined} quarantined, ${b.delivered} delivered, ${b.dropped} dropped`,
    )
  }
  if (Object.keys(signals).length > 0) {
    const rows = Object.entries(signals)
      .sort()
      .map(([id, n]) => [`  ${id}`, String(n)])
    console.log(`signals\n${table(rows)}`)
  }
  if (aside.length > 0)
    console.log(`set aside\n${table(aside.map(({ file, bytes }) => [`  ${file}`, formatBytes(bytes)]))}`)
}

/** `sluice buffer verify [FILE]`: reads everything, recomputes the accounts; exit 1 with one line a problem. */
export async function verifyBuffer(file: string | undefined, options: CommonOptions): Promise<void> {
  using buffer = await openBuffer(file, options)
  if (!buffer) return
  let found = await survey(buffer.desk, Date.now())
  let problems = problemsOf(found)
  // Readings that an agent gave up or deleted meanwhile are not there to be counted.
  for (let tries = 1; buffer.running && problems.length > 0 && tries < TRIES; tries++) {
    found = await survey(buffer.desk, Date.now())
    problems = problemsOf(found)
  }
  if (problems.length > 0) process.exitCode = EXIT_FAILED
  const readings = found.log.ranges.reduce((sum, [from, to]) => sum + to - from, 0)
  const checked = { readings, blocks: found.log.blocks, batches: found.batches.batches }
  if (options.json) return printJson({ ok: problems.length === 0, ...checked, problems })
  for (const problem of problems) console.log(problem)
  if (problems.length === 0) {
    console.log(
      `sound: ${readings} readings in ${checked.blocks} blocks, ${checked.batches} batches, all accounts add up`,
    )
  }
}

/** What does not agree; the readings that wait for each pool are counted in the blocks. */
export function problemsOf({ status, log, batches }: Pick<Found, 'status' | 'log' | 'batches'>): readonly string[] {
  const pending = Object.entries(status.pools).flatMap(([name, { accounts, cursor, retired }]) => {
    if (retired) return [] // its accounts end somewhere in the log, and what waits for it is in no other sum
    const counted = log.ranges.reduce((sum, [from, to]) => {
      return sum + Math.max(0, Math.min(to, status.accepted) - Math.max(from, cursor.raw_seq))
    }, 0)
    return counted === accounts.pending
      ? []
      : [`pool ${name}: ${accounts.pending} readings pending by its accounts, ${counted} in the blocks`]
  })
  return [...log.problems, ...batches.problems, ...accountProblems(status), ...pending]
}
