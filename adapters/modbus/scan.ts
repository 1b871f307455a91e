import { isBitTable, type Table } from './address.ts'
import type { ReadResult } from './client.ts'
import type { ReadRequest } from './library.ts'
import { ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE } from './unit-reader.ts'

/** What to look for. */
export interface ScanTask {
  readonly units: readonly number[]
  readonly tables: readonly Table[]
  /** first and last address on the wire */
  readonly range: readonly [number, number]
}

/** Addresses that a unit answers for, both ends included. */
export interface Block {
  readonly table: Table
  readonly from: number
  readonly to: number
}

/** What could not be told of a block, and why. */
export interface Unclear extends Block {
  readonly reason: string
}

/** A unit that answered. */
export interface ScannedUnit {
  readonly unit_id: number
  readonly readable: readonly Block[]
  readonly unclear: readonly Unclear[]
}

/** What was found so far; filled while the scan goes on, so that one that is interrupted has something to show. */
export interface ScanResult {
  readonly units: ScannedUnit[]
  /** unit ids asked so far */
  asked: number
  /** every one of many unit ids answered: the device does not look at them, so only the first was walked */
  ignores_unit_id: boolean
}

/** Sends one read; rejects where the scan is to end. */
export type Ask = (request: ReadRequest) => Promise<ReadResult>

/** Registers, or bits, that a first read asks for (Modbus Application Protocol V1.1b3 §6.1–6.4). */
const MOST_REGISTERS = 125
const MOST_BITS = 2_000
/** So many unit ids that all answer belong to a device that does not look at them. */
const MANY_UNITS = 8
/** So many silences in a row end the walk of a unit. */
const SILENCES = 3
/** A device that fails over a read (exception 4) means a part of it, as often as not. */
const DEVICE_FAILURE = 4
const [PATH_UNAVAILABLE, TARGET_SILENT] = [10, 11]

export function emptyScan(): ScanResult {
  return { units: [], asked: 0, ignores_unit_id: false }
}

/**
 * Asks every unit id for one register, then walks the range in those that answered, one read at a time.
 * @param found is filled as the scan goes on
 */
export async function scan(task: ScanTask, ask: Ask, found: ScanResult): Promise<void> {
  const [table, address] = [task.tables[0]!, task.range[0]]
  const alive: number[] = []
  for (const unit_id of task.units) {
    const answer = await ask({ unit_id, table, address, quantity: 1 })
    found.asked++
    if (!isThere(answer)) continue
    alive.push(unit_id)
    found.units.push({ unit_id, readable: [], unclear: [] })
  }
  found.ignores_unit_id = alive.length >= MANY_UNITS && alive.length === task.units.length
  for (const unit_id of found.ignores_unit_id ? alive.slice(0, 1) : alive) await walkUnit(unit_id, task, ask, found)
}

/** An exception is an answer too, unless a gateway says that there is nobody (exceptions 10, 11). */
function isThere(answer: ReadResult): boolean {
  if (answer.kind === 'exception') return answer.code !== PATH_UNAVAILABLE && answer.code !== TARGET_SILENT
  return answer.kind === 'data'
}

async function walkUnit(unit_id: number, task: ScanTask, ask: Ask, found: ScanResult): Promise<void> {
  const place = found.units.findIndex((unit) => unit.unit_id === unit_id)
  const readable: Block[] = []
  const unclear: Unclear[] = []
  found.units[place] = { unit_id, readable, unclear }
  for (const table of task.tables)
    if (!(await walkTable({ unit_id, table, readable, unclear }, task.range, ask))) return
}

interface Walk {
  readonly unit_id: number
  readonly table: Table
  readonly readable: Block[]
  readonly unclear: Unclear[]
}

/** False where the unit does not answer any more. */
async function walkTable(walk: Walk, [first, last]: readonly [number, number], ask: Ask): Promise<boolean> {
  const { unit_id, table, unclear } = walk
  let most = isBitTable(table) ? MOST_BITS : MOST_REGISTERS
  let silences = 0

  /** True where all of it can be read; undefined where the table, or the unit, is done with. */
  async function look(from: number, to: number): Promise<boolean | undefined> {
    const quantity = to - from + 1
    const answer = await ask({ unit_id, table, address: from, quantity })
    silences = answer.kind === 'timeout' ? silences + 1 : 0
    if (answer.kind === 'data') {
      join(walk.readable, { table, from, to })
      return true
    }
    if (answer.kind === 'timeout') {
      unclear.push({ table, from, to, reason: 'no answer' })
      return silences < SILENCES ? false : undefined
    }
    if (answer.code === ILLEGAL_FUNCTION) {
      unclear.push({ table, from, to: last, reason: 'the unit has no such table' })
      return undefined
    }
    if (![ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE].includes(answer.code)) {
      unclear.push({ table, from, to, reason: reasonOf(answer.code) })
      return false
    }
    if (quantity === 1) return false
    const middle = halfOf(from, to)
    const left = await look(from, middle - 1)
    if (left === undefined) return undefined
    const right = await look(middle, to)
    // Both halves and not the whole: shorter reads are never refused for their length.
    if (left && right) most = Math.min(most, Math.max(middle - from, to - middle + 1))
    return right === undefined ? undefined : left && right
  }

  for (let from = first; from <= last; ) {
    const to = Math.min(last, from + most - 1)
    if ((await look(from, to)) === undefined) return silences < SILENCES
    from = to + 1
  }
  return true
}

/** The first address of the upper half, an even one where it can be: values of two registers mostly begin there. */
function halfOf(from: number, to: number): number {
  const middle = from + Math.ceil((to - from + 1) / 2)
  if (middle % 2 === 0 || middle + 1 > to) return middle
  return middle + 1
}

function reasonOf(code: number): string {
  return code === 5 || code === 6 ? 'busy' : `exception ${code}`
}

/** Adds a block, as one with the last where it goes on. */
function join(blocks: Block[], block: Block): void {
  const last = blocks.at(-1)
  if (last && last.table === block.table && last.to + 1 === block.from)
    blocks[blocks.length - 1] = { ...last, to: block.to }
  else blocks.push(block)
}

/** Fewest and most requests of a scan that finds this many units: all readable, or every address refused. Pure. */
export function requestsOf({ units, tables, range: [first, last] }: ScanTask, found = 1): readonly [number, number] {
  const count = last - first + 1
  const fewest = tables.reduce((sum, t) => sum + Math.ceil(count / (isBitTable(t) ? MOST_BITS : MOST_REGISTERS)), 0)
  return [units.length + found * fewest, units.length + found * tables.length * 2 * count]
}
