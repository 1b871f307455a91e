import { onTestFinished } from 'vitest'
import { openModbusSource } from '../../adapters/modbus/adapter.ts'
import { modbusSourceSchema } from '../../adapters/modbus/schema.ts'
import {
  type ModbusSimulator,
  makeSimulatorMemory,
  openModbusSimulator,
  type SimulatorMemory,
  type SimulatorOptions,
} from '../../adapters/modbus/simulator.ts'
import type { Source } from '../../adapters/source.ts'
import { makeClock } from '../../core/clock.ts'
import type { OutageNote } from '../../core/ledger.ts'
import { silentLog } from '../../core/log.ts'
import { qualityOf } from '../../core/quality.ts'
import { valueAt } from '../../core/reading-block.ts'
import type { Value } from '../../core/signal.ts'

/** One reading that was delivered. */
export interface Seen {
  readonly signal: string
  readonly at: number
  readonly value: Value | null
  readonly reason: string
}

/** A simulated server and a source on it that collects until `stop`. */
export interface Plant {
  readonly memory: SimulatorMemory
  readonly simulator: ModbusSimulator
  readonly source: Source
  /** everything delivered so far */
  readonly seen: Seen[]
  readonly outages: OutageNote[]
  /** readings that a deadband left out */
  readonly unchanged: { n: number }
  readonly complete: Record<string, number>
  readonly stop: AbortController
  /** how the readings ended */
  readonly ended: Promise<unknown>
}

/** A simulated server, a source on it and what it delivers; a minute of the source's clock takes 300 ms. */
export async function modbusPlant(
  options: object,
  setUp: (memory: SimulatorMemory) => void,
  respond?: SimulatorOptions['respond'],
  speed = 200,
  device: (memory: SimulatorMemory) => Pick<SimulatorOptions, 'read'> = (memory) => memory,
): Promise<Plant> {
  const memory = makeSimulatorMemory()
  setUp(memory)
  const simulator = await openModbusSimulator({ read: device(memory).read, ...(respond && { respond }) })
  const { host, port } = simulator
  const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, timeout: '200ms', ...options })
  const clock = makeClock(speed)
  const source = await openModbusSource(config, { name: 'line', clock, log: silentLog, marks: async () => [] })
  const stop = new AbortController()
  const seen: Seen[] = []
  const outages: OutageNote[] = []
  const complete: Record<string, number> = {}
  const unchanged = { n: 0 }
  const collect = async (): Promise<void> => {
    for await (const { block, outages: notes = [], unchanged: same = 0 } of source.readings(stop.signal)) {
      for (let i = 0; i < block.times.length; i++)
        seen.push({
          signal: source.signals[block.signals[i]!]!.id,
          at: block.times[i]!,
          value: valueAt(block, i),
          reason: qualityOf(block.qualities[i]!).reason,
        })
      outages.push(...notes)
      unchanged.n += same
      Object.assign(complete, block.complete_until)
    }
  }
  const ended = collect().then(
    () => 'ended',
    (error: unknown) => error,
  )
  onTestFinished(async () => {
    stop.abort()
    await ended
    await source[Symbol.asyncDispose]()
    await simulator[Symbol.asyncDispose]()
  })
  return { memory, simulator, source, seen, outages, unchanged, complete, stop, ended }
}

/** What was delivered of a signal. */
export const of = (p: Plant, signal: string): Seen[] => p.seen.filter((r) => r.signal === signal)
