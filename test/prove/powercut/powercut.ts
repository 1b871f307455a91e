import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { accountsAddUp } from '../../../buffer/accounts.ts'
import { openStore } from '../../../buffer/store.ts'
import { unixMs } from '../../../core/brand.ts'
import { silentLog } from '../../../core/log.ts'
import { decodeParquet } from '../../../uplink/parquet.ts'
import { freePort } from '../../support/free-port.ts'
import { countValues } from '../numbers.ts'
import { writeProofFiles } from '../proof-files.ts'
import { makeRandom } from '../random.ts'
import { makeDisk, WEATHERS } from './disk-model.ts'
import { type DiskOp, readTrace, traced, traceNode } from './disk-trace.ts'

export interface PowercutResult {
  readonly states: number
  /** acknowledged messages that are not in the raw log, over all states */
  readonly lost: number
  /** messages that stand twice in the raw log, and slots at the pool that would be sealed again */
  readonly doubled: number
  /** states in which the store does not open, or its accounts do not add up */
  readonly failed_starts: number
  /** of states in which the disk lies about fsync: those in which one of the three was found; none would mean a blind proof */
  readonly control_found: number
}

const SPEED = 40
/** Runs of the agent, each on what the one before left, with its share of the messages. */
const RUNS = [
  { share: 0.5, end: 'killed' },
  { share: 0.3, end: 'stopped' },
  { share: 0.2, end: 'stopped' },
] as const

/**
 * Records what the agent does to its files under load, then replays beginnings of it on a model of a disk with a volatile
 * cache, opens the store on what the disk may hold after a power cut at that moment, and checks that whatever was
 * acknowledged is there once. strace records, because it sees every system call of every thread in order, from the driver
 * and from Node alike, without a line in the product.
 */
export async function provePowercut(options: {
  readonly states: number
  /** how many are sent to the agent while it is recorded */
  readonly messages: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<PowercutResult> {
  const { states, say } = options
  const folder = mkdtempSync(join(tmpdir(), 'sluice-powercut-'))
  // States are written and read once; on a disk that would be gigabytes.
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-powercut-'))
  try {
    const trace = await record(folder, options.messages, say)
    const random = makeRandom(options.seed)
    const found = check({ trace, states, random, scratch, lies: false, say })
    const control = check({ trace, states: Math.max(20, Math.floor(states / 50)), random, scratch, lies: true, say })
    const { lost, doubled, failed_starts } = found
    return { states, lost, doubled, failed_starts, control_found: control.convicted }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(scratch, { recursive: true, force: true })
  }
}

interface Trace {
  readonly root: string
  readonly outgoing: string
  readonly dataDir: string
  readonly ops: readonly DiskOp[]
}

async function record(folder: string, messages: number, say: (line: string) => void): Promise<Trace> {
  const [brokerPort, modbusPort] = [await freePort(), await freePort()]
  const outgoing = join(folder, 'outgoing')
  mkdirSync(outgoing)
  const { config, dataDir } = writeProofFiles(folder, {
    broker: `mqtt://127.0.0.1:${brokerPort}`,
    protocol: '3.1.1',
    modbusPort,
    pool: { dir: 'outgoing' },
  })
  const ops: DiskOp[] = []
  const origin = Date.now()
  let first = 1
  for (const { share, end } of RUNS) {
    const count = Math.round(messages * share)
    const file = join(folder, 'trace')
    const args = [config, brokerPort, modbusPort, SPEED, origin, first, count, end].map(String)
    const child = traceNode(file, [join(import.meta.dirname, 'agent.ts'), ...args])
    child.stdout!.resume()
    await traced(child, end)
    await readTrace(file, folder, ops)
    first += count
  }
  const written = ops.reduce((sum, op) => sum + (op.kind === 'write' ? op.bytes.length : 0), 0)
  say(`powercut: ${ops.length} operations, ${(written / 1e6).toFixed(1)} MB written, ${first - 1} messages`)
  return { root: folder, outgoing, dataDir, ops }
}

type Found = Pick<PowercutResult, 'lost' | 'doubled' | 'failed_starts'>

function check(input: {
  readonly trace: Trace
  readonly states: number
  readonly random: () => number
  readonly scratch: string
  readonly lies: boolean
  readonly say: (line: string) => void
}): Found & { readonly convicted: number } {
  const { trace, states, random, say } = input
  const { ops } = trace
  const disk = makeDisk(trace.root, { folders: [trace.outgoing], lies: input.lies })
  const cuts = Array.from({ length: states }, () => Math.floor(random() * (ops.length + 1))).sort((a, b) => a - b)
  const sum = { lost: 0, doubled: 0, failed_starts: 0, convicted: 0 }
  const promised: Promised = { acknowledged: new Set(), sealed: new Map() }
  let at = 0
  for (const [i, cut] of cuts.entries()) {
    for (; at < cut; at++) {
      const op = ops[at]!
      disk.take(op, at)
      note(promised, op, trace, () => disk.bytesOf((op as { readonly to: string }).to))
    }
    const weather = WEATHERS[i % WEATHERS.length]!
    const target = mkdtempSync(join(input.scratch, 'state-'))
    disk.writeState(target, weather, random)
    const found = inspect(join(target, basename(trace.dataDir)), promised)
    rmSync(target, { recursive: true, force: true })
    for (const key of ['lost', 'doubled', 'failed_starts'] as const) sum[key] += found[key]
    const isBad = found.lost + found.doubled + found.failed_starts > 0
    if (isBad) sum.convicted++
    if (isBad && !input.lies && sum.convicted <= 10)
      say(`powercut: after operation ${cut} of ${ops.length}, ${weather}: ${JSON.stringify(found)}`)
    if ((i + 1) % 1_000 === 0) say(`powercut: ${i + 1} states`)
  }
  return sum
}

/** What the agent has promised by now: numbers it acknowledged, and slots it may have sent, by dataset. */
interface Promised {
  readonly acknowledged: Set<number>
  readonly sealed: Map<string, number>
}

function note(promised: Promised, op: DiskOp, trace: Trace, bytes: () => Buffer): void {
  if (op.kind === 'said') {
    for (const [, n] of op.text.matchAll(/a (\d+)\n/g)) promised.acknowledged.add(Number(n))
  } else if (op.kind === 'rename' && op.to.endsWith('.parquet') && op.to.startsWith(trace.outgoing)) {
    const file = decodeParquet(bytes())
    const { dataset } = JSON.parse(file.manifest!) as { readonly dataset: string }
    const slots = file.columns.find(({ element }) => element.name === 'slot')!.cells.map(Number)
    promised.sealed.set(dataset, Math.max(promised.sealed.get(dataset) ?? 0, ...slots))
  }
}

function inspect(data_dir: string, promised: Promised): Found & { readonly why?: string } {
  if (!existsSync(dirname(data_dir))) mkdirSync(dirname(data_dir))
  try {
    using store = openStore({
      data_dir,
      boot: 'inspection',
      now: unixMs(Date.now()),
      max_size: 2e9,
      max_age: 1e12,
      keep_raw: 1e12,
      log: silentLog,
    })
    const seen = countValues(store, 'n')
    const lost = [...promised.acknowledged].filter((n) => !seen.has(n)).length
    const twice = [...seen.values()].filter((times) => times > 1).length
    const status = store.status(unixMs(Date.now()))
    const again = [...promised.sealed].filter(([dataset, slot]) => {
      const until = status.pools.proof?.cursor.sealed_until[dataset] ?? Number.NEGATIVE_INFINITY
      return until <= slot
    })
    return { lost, doubled: twice + again.length, failed_starts: accountsAddUp(status) ? 0 : 1 }
  } catch (error) {
    return { lost: 0, doubled: 0, failed_starts: 1, why: String(error) }
  }
}
