import { setTimeout as delay } from 'node:timers/promises'
import type { TimedRead, TimedReads } from '../source.ts'
import { isBitTable } from './address.ts'
import type { ModbusClient } from './client.ts'
import { spanText } from './device-problems.ts'
import type { PlannedDevice, PlannedSignal } from './plan.ts'
import type { Learning } from './probe.ts'
import { type PlannedRead, planReads, singleReads } from './read-set.ts'
import { readUnit } from './unit-reader.ts'

/** What timing asks of a source at most; said before it begins. */
export const TIMING = {
  /** devices, those whose reads differ most in length */
  most_devices: 3,
  /** short reads of each, and as many long ones */
  pairs: 12,
  reads_per_s: 5,
} as const

/** A device that leaves more turns than this without an answer is left alone. */
const MISSES = 2

type Read = PlannedRead<PlannedSignal>
type Reader = Pick<ModbusClient, 'read'>

/**
 * Times a short and a long read of some devices, in turn, so that what slows the line down slows both. Every device is
 * read once before, as `sluice probe` does, and only what it answered is timed: nothing but configured signals and what
 * lies between them. Rejects with the reason of `stop`. @throws Fault where the link is gone
 * @param pause ms before each read
 */
export async function timeReads(
  devices: readonly PlannedDevice[],
  client: Reader,
  { plans, clock }: Learning,
  stop: AbortSignal,
  pause: number = 1_000 / TIMING.reads_per_s,
): Promise<readonly TimedReads[]> {
  // A device that is not there is no reason to give up a link that others use.
  const guessing: Reader = { read: (request, ...rest) => client.read({ ...request, guess: true }, ...rest) }

  function planned(device: PlannedDevice): readonly Read[] {
    const plan = plans.get(device)
    const now = clock.monotonic()
    const refused = new Set(plan?.learnt(now).refused.flatMap((r) => r.signals))
    const signals = device.signals.filter((s) => !refused.has(s.id))
    return planReads(signals, plan?.limits(now) ?? device.limits)
  }

  async function timed(unit_id: number, { table, address, quantity }: Read): Promise<number | undefined> {
    let took = 0
    await delay(pause, undefined, { signal: stop }).catch(() => stop.throwIfAborted())
    const answer = await guessing.read({ unit_id, table, address, quantity }, stop, (ms) => {
      took = ms
    })
    return answer.kind === 'data' ? took : undefined
  }

  async function time(device: PlannedDevice, reads: readonly Read[]): Promise<TimedReads> {
    const answered: Read[] = []
    const sink = { data: (read: Read) => void answered.push(read), exception: () => undefined }
    const silence = await readUnit(guessing, device.unit_id, reads, 1, sink, stop)
    const untimed = (why: string): TimedReads => ({ kind: 'untimed', device: device.name, why })
    if (silence) return untimed(`no answer (${silence})`)
    if (answered.length === 0) return untimed('it refuses all of its signals')
    const found = widest(answered)
    if (!found) return untimed('all that can be read of it has one length')
    const pairs: (readonly [number, number])[] = []
    for (let i = 0, misses = 0; i < TIMING.pairs && misses <= MISSES; i++) {
      const short = await timed(device.unit_id, found.short)
      const long = short === undefined ? undefined : await timed(device.unit_id, found.long)
      if (short === undefined || long === undefined) misses++
      else pairs.push([short, long])
    }
    return { kind: 'timed', device: device.name, short: timedRead(found.short), long: timedRead(found.long), pairs }
  }

  const chosen = devices
    .map((device) => ({ device, reads: planned(device) }))
    .filter(({ reads }) => reads.length > 0)
    .toSorted((a, b) => spread(widest(b.reads)) - spread(widest(a.reads)))
    .slice(0, TIMING.most_devices)
  const found: TimedReads[] = []
  for (const { device, reads } of chosen) found.push(await time(device, reads))
  return found
}

interface Pair {
  readonly short: Read
  readonly long: Read
}

/** The longest of these reads and the shortest place of its table, where they differ; of the table where they do most. */
function widest(reads: readonly Read[]): Pair | undefined {
  const pairs = [...Map.groupBy(reads, (read) => read.table).values()].map((same): Pair => {
    const byLength = (all: readonly Read[]): Read[] => all.toSorted((a, b) => a.quantity - b.quantity)
    return { short: byLength(singleReads(same.flatMap((r) => r.signals)))[0]!, long: byLength(same).at(-1)! }
  })
  return pairs.filter((pair) => spread(pair) > 0).toSorted((a, b) => spread(b) - spread(a))[0]
}

/** Registers by which the two differ. */
function spread(pair: Pair | undefined): number {
  return pair ? timedRead(pair.long).registers - timedRead(pair.short).registers : 0
}

function timedRead({ table, address, quantity }: Read): TimedRead {
  const registers = isBitTable(table) ? quantity / 16 : quantity
  return { what: spanText({ table, from: address, to: address + quantity }), registers }
}
