import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { qualityOf } from '../../core/quality.ts'
import type { Lesson, ProbeReading } from '../source.ts'
import { isBitTable } from './address.ts'
import type { Lesson as Cause } from './bisect.ts'
import type { ModbusClient } from './client.ts'
import { isUnusable, makeDecoder } from './decode.ts'
import { describeLearnt, describeStranger } from './learnt.ts'
import type { ModbusPlan, PlannedDevice, PlannedSignal } from './plan.ts'
import type { ReadPlan } from './read-plan.ts'
import { type PlannedRead, planReads, type ReadLimits } from './read-set.ts'
import { isTime } from './signal-type.ts'
import { exceptionQuality, type ReadSink, readUnit, type Silence } from './unit-reader.ts'

type Outcome = Pick<ProbeReading, 'value' | 'meaning' | 'quality' | 'reason' | 'raw'>

/** How the source reads its devices, so that a probe keeps to what was learnt and adds to it. */
export interface Learning {
  readonly plans: ReadonlyMap<PlannedDevice, ReadPlan>
  readonly clock: Clock
}

/**
 * Reads every signal of a source once, devices in turn. A device that does not answer gives lines that say so.
 * Rejects only with the reason of `stop`.
 */
export async function probeModbus(
  source: string,
  plan: ModbusPlan,
  client: ModbusClient,
  stop: AbortSignal,
  learning?: Learning,
): Promise<readonly ProbeReading[]> {
  const lines: ProbeReading[] = []
  for (const device of plan.devices) {
    const reads = learning?.plans.get(device)
    const now = (): number => learning?.clock.monotonic() ?? 0
    const outcomes = await probeDevice(device, client, stop, {
      limits: reads?.limits(now()) ?? device.limits,
      alone: plan.devices.length === 1,
      lesson: (lesson) => reads?.learn(lesson, now()),
    })
    const lessons = [
      ...describeStranger(device, client.strangers),
      ...(reads ? describeLearnt(device, reads.learnt(now())) : []),
    ]
    for (const signal of device.signals) {
      const spec = plan.plan.signals[signal.index]!
      const outcome = outcomes.get(signal) ?? nothing('source-timeout')
      lines.push({
        source,
        device: device.name,
        asset: spec.asset,
        signal: spec.name,
        unit: spec.unit ?? null,
        ...outcome,
        ...concerning(spec.id, lessons),
      })
    }
  }
  return lines
}

async function probeDevice(
  device: PlannedDevice,
  client: ModbusClient,
  stop: AbortSignal,
  { limits, alone, lesson }: { readonly limits: ReadLimits; readonly alone: boolean; lesson(lesson: Cause): void },
): Promise<ReadonlyMap<PlannedSignal, Outcome>> {
  const outcomes = new Map<PlannedSignal, Outcome>()
  const rest = (reason: string): void => {
    for (const signal of device.signals) if (!outcomes.has(signal)) outcomes.set(signal, nothing(reason))
  }
  const sink: ReadSink<PlannedSignal> = {
    data(read, data) {
      for (const s of read.signals) outcomes.set(s, decoded(s, data, s.address - read.address))
    },
    exception(read, code) {
      const { quality, reason } = qualityOf(exceptionQuality(code))
      for (const s of read.signals) outcomes.set(s, { value: null, quality, reason, raw: null })
    },
    lesson,
  }
  const pass = (reads: readonly PlannedRead<PlannedSignal>[]): Promise<Silence | undefined> =>
    readUnit(client, device.unit_id, reads, 1, sink, stop)
  try {
    const reads = planReads(device.signals, limits)
    let silence = await pass(reads)
    const left = planReads(
      device.signals.filter((s) => !outcomes.has(s)),
      { ...limits, max_gap: 0 },
    )
    // It may be a hole that it is silent to. A second try of a dead device behind a shared link could cost the link.
    if (silence && (alone || outcomes.size > 0) && left.length > 1) silence = await pass(left)
    if (silence) rest(silence)
  } catch (error) {
    if (stop.aborted || !(error instanceof Fault)) throw error
    rest(error.code)
  }
  return outcomes
}

function concerning(id: string, lessons: readonly Lesson[]): Pick<ProbeReading, 'lessons'> {
  const texts = lessons.filter((l) => l.signals.length === 0 || l.signals.includes(id)).map((l) => l.text)
  return texts.length > 0 ? { lessons: texts } : {}
}

function nothing(reason: string): Outcome {
  return { value: null, quality: 'bad', reason, raw: null }
}

function decoded(signal: PlannedSignal, data: Buffer, at: number): Outcome {
  const value = makeDecoder(signal).decode(data, at)
  const raw = isBitTable(signal.table)
    ? String(Number(value))
    : data.toString('hex', at * 2, (at + signal.size) * 2).replace(/(.{4})(?=.)/g, '$1 ')
  if (isUnusable(value)) return { value: null, ...qualityOf(value.quality), raw }
  const meaning = isTime(signal.type) ? new Date(Number(value)).toISOString() : signal.labels?.[String(value)]
  return {
    value: typeof value === 'bigint' ? String(value) : value,
    ...(meaning === undefined ? {} : { meaning }),
    ...{ quality: 'good', reason: '', raw },
  }
}
