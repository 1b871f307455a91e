import { qualityCode } from '../../core/quality.ts'
import { isBitTable } from './address.ts'
import { jointOf, type Lesson, partsOf, prefixesOf, spanOf } from './bisect.ts'
import type { ModbusClient } from './client.ts'
import { type Place, type PlannedRead, planReads } from './read-set.ts'

/** Takes what a unit answers. */
export interface ReadSink<S extends Place> {
  data(read: PlannedRead<S>, data: Buffer): void
  /** The unit will not give what this read asks for, not even alone. */
  exception(read: PlannedRead<S>, code: number): void
  /** The unit did not answer this one in time. */
  silent?(read: PlannedRead<S>): void
  /** The unit refused a read and answered all its parts; this is why. */
  lesson?(lesson: Lesson): void
}

/**
 * Why a unit did not answer: no answer in time, one from another unit, or a gateway's word that it could not reach it
 * (exceptions 10, 11).
 */
export type Silence = 'source-timeout' | 'other_unit' | 'gateway_path' | 'gateway_target'

/** Modbus exceptions (Modbus Application Protocol V1.1b3 §7). */
export const ILLEGAL_FUNCTION = 1
export const ILLEGAL_ADDRESS = 2
export const ILLEGAL_VALUE = 3

/**
 * Sends the reads to one unit, `lanes` at a time, and stops at the first silence: a dead unit costs one timeout, not
 * one a read. A read of several places that is refused (exceptions 2 and 3) is halved until what is refused stands
 * alone, so all else is read in the same cycle: k bad places among n take about 2·k·log2(n) requests more.
 * Returns undefined where the unit answered all. @throws Fault where the link is gone.
 */
export async function readUnit<S extends Place>(
  client: Pick<ModbusClient, 'read'>,
  unit_id: number,
  reads: readonly PlannedRead<S>[],
  lanes: number,
  sink: ReadSink<S>,
  stop: AbortSignal,
): Promise<Silence | undefined> {
  const open = [...reads]
  /** by kind of table, what was found in this call to be the most that the unit answers */
  const longest = new Map<boolean, number>()
  let silence: Silence | undefined

  async function ask({ table, address, quantity }: Omit<PlannedRead, 'signals'>): Promise<Buffer | number | undefined> {
    if (silence) return undefined
    const result = await client.read({ unit_id, table, address, quantity }, stop)
    if (result.kind === 'data') return result.data
    if (result.kind === 'timeout') silence ??= result.answered_by === undefined ? 'source-timeout' : 'other_unit'
    else if (result.code === 10) silence ??= 'gateway_path'
    else if (result.code === 11) silence ??= 'gateway_target'
    else return result.code
    return undefined
  }

  /** True where this one read brought everything it asked for. */
  async function serve(read: PlannedRead<S>): Promise<boolean> {
    const shorter = shortened(read, longest.get(isBitTable(read.table)))
    if (shorter.length > 1) {
      for (const part of shorter) await serve(part)
      return false
    }
    const alive = !silence
    const answer = await ask(read)
    if (answer === undefined) {
      // A gateway may say it in place of its silent device.
      if (alive && silence !== 'gateway_path') sink.silent?.(read)
      return false
    }
    if (typeof answer !== 'number') {
      sink.data(read, answer)
      return true
    }
    if (isRefusal(answer)) await takeApart(read, answer)
    else sink.exception(read, answer)
    return false
  }

  async function takeApart(read: PlannedRead<S>, code: number): Promise<void> {
    const parts = partsOf(read)
    if (parts.refused) sink.exception(parts.refused, code)
    let whole = !parts.refused
    for (const part of parts.reads) whole = (await serve(part)) && whole
    const [left, right] = parts.reads
    if (whole && left && right && sink.lesson) await explain(read, left, right)
  }

  /** Both halves were fine: was it what lies between them, or the length? Nothing is learnt from a passing mood. */
  async function explain(read: PlannedRead<S>, left: PlannedRead<S>, right: PlannedRead<S>): Promise<void> {
    if (!isRefusal(await ask(read))) return
    const joint = jointOf(left, right)
    const answer = joint.quantity === read.quantity ? ILLEGAL_ADDRESS : await ask(joint)
    if (isRefusal(answer)) sink.lesson?.({ kind: 'span', span: spanOf(left, right) })
    else if (Buffer.isBuffer(answer)) await measure(read, left)
  }

  /** The longest answer from the start of a read whose first part is fine. */
  async function measure(read: PlannedRead<S>, fine: PlannedRead<S>): Promise<void> {
    const longer = prefixesOf(read).filter((r) => r.quantity >= fine.quantity)
    let [good, bad] = [0, longer.length - 1]
    while (bad - good > 1) {
      const middle = (good + bad) >> 1
      const answer = await ask(longer[middle]!)
      if (Buffer.isBuffer(answer)) good = middle
      else if (isRefusal(answer)) bad = middle
      else return // silent, busy or failed: that says nothing of the length
    }
    const { quantity } = longer[good]!
    longest.set(isBitTable(read.table), quantity)
    sink.lesson?.({ kind: 'length', table: read.table, quantity })
  }

  async function lane(): Promise<void> {
    for (let read = open.shift(); read && !silence; read = open.shift()) await serve(read)
  }

  await Promise.all(Array.from({ length: Math.min(lanes, reads.length) }, lane))
  return silence
}

/** A read as several that are at most this long; as it is where it cannot be, or need not. */
function shortened<S extends Place>(read: PlannedRead<S>, longest = Number.POSITIVE_INFINITY): PlannedRead<S>[] {
  if (read.quantity <= longest) return [read]
  return planReads(read.signals, {
    max_registers: longest,
    max_bits: longest,
    cost: { request_ms: 1, register_ms: 0 },
  })
}

function isRefusal(answer: Buffer | number | undefined): boolean {
  return answer === ILLEGAL_ADDRESS || answer === ILLEGAL_VALUE
}

/** The quality of readings that a Modbus exception stands in for. */
export function exceptionQuality(code: number): number {
  switch (code) {
    case ILLEGAL_FUNCTION:
      return qualityCode('bad', 'illegal_function')
    case ILLEGAL_ADDRESS:
      return qualityCode('bad', 'illegal_address')
    case ILLEGAL_VALUE:
      return qualityCode('bad', 'illegal_value')
    case 4:
      return qualityCode('bad', 'device_failure')
    case 5:
    case 6:
      return qualityCode('bad', 'device_busy')
    default:
      return qualityCode('bad', 'exception')
  }
}
