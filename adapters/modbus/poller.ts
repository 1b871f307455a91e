import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { GOOD, qualityOf } from '../../core/quality.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Value } from '../../core/signal.ts'
import type { ModbusClient } from './client.ts'
import { makeChangeFilter } from './deadband.ts'
import { isUnusable, makeDecoders } from './decode.ts'
import type { DeliveryQueue } from './delivery-queue.ts'
import type { PlannedDevice, PlannedSignal } from './plan.ts'
import type { ReadPlan } from './read-plan.ts'
import type { PlannedRead } from './read-set.ts'
import { makeSchedule } from './schedule.ts'
import { exceptionQuality, type ReadSink, readUnit, type Silence } from './unit-reader.ts'

/** Reads one device by its schedule. */
export interface Poller {
  /** Ends when `stop` aborts; ticks at `start` (monotonic ms) and its periods after. @throws Fault where the link is gone */
  run(start: number, stop: AbortSignal): Promise<void>
  /** Ends every outage it reported and did not end: from here on the source's own outage tells the story. */
  settle(): void
  /** ticks that passed unserved because the one before took too long */
  readonly overruns: number
}

/** A dead unit is tried again after 1 s, then ever more rarely, at least once a minute. */
const BACKOFF = { base: 1_000, cap: 60_000, floor: 1_000 }
/** Behind a link with other units it waits at least this many times as long as the vain try kept them waiting. */
const REST = 4

/** A signal that the device is silent to has no reading to carry a quality. */
const UNANSWERED = -1

export function makePoller(
  device: PlannedDevice,
  lanes: number,
  context: {
    readonly source: string
    /** other devices use the same connection */
    readonly shared: boolean
    readonly clock: Clock
    readonly log: Log
    readonly client: ModbusClient
    readonly queue: DeliveryQueue
    readonly plan: ReadPlan
  },
): Poller {
  const { clock, log, client, queue, plan } = context
  const where = { source: context.source, device: device.name }
  const decoders = makeDecoders(device.signals)
  const filters = new Map(
    device.signals.flatMap((s) => (s.deadband ? [[s, makeChangeFilter(s.deadband)] as const] : [])),
  )
  /** quality code (or UNANSWERED) by signal while it has no usable value */
  const bad = new Map<PlannedSignal, number>()
  let down: { readonly attempt: number; readonly retry_at: number } | undefined
  let overruns = 0

  function good(signal: PlannedSignal, at: number, value: Value): void {
    if (bad.size > 0 && bad.delete(signal)) queue.note({ kind: 'end', device: device.name, signal: signal.id, at })
    const filter = filters.get(signal)
    if (filter && !filter.keeps(value, clock.monotonic())) queue.leaveOut()
    else queue.add(signal.index, at, value, GOOD)
  }

  /** True where the signal was not in this state before. */
  function lapsed(signal: PlannedSignal, at: number, state: number, reason: string): boolean {
    const before = bad.get(signal)
    if (before === state) return false
    if (before !== undefined) queue.note({ kind: 'end', device: device.name, signal: signal.id, at })
    bad.set(signal, state)
    filters.get(signal)?.reset()
    queue.note({ kind: 'begin', device: device.name, signal: signal.id, reason, at })
    return true
  }

  /** One bad reading on entering the state, however long it lasts (DESIGN §6). */
  function unusable(signal: PlannedSignal, at: number, quality: number): void {
    if (lapsed(signal, at, quality, qualityOf(quality).reason)) queue.add(signal.index, at, null, quality)
  }

  function decode(read: PlannedRead<PlannedSignal>, data: Buffer, at: number): void {
    for (const signal of read.signals) {
      const decoded = decoders.get(signal)!.decode(data, signal.address - read.address)
      if (isUnusable(decoded)) unusable(signal, at, decoded.quality)
      else good(signal, at, decoded)
    }
  }

  const sink: ReadSink<PlannedSignal> = {
    data(read, data) {
      const at = clock.now()
      plan.served(read, clock.monotonic())
      queue.later(() => decode(read, data, at))
    },
    exception(read, code) {
      const at = clock.now()
      const quality = exceptionQuality(code)
      if (plan.refused(read, code, clock.monotonic()))
        log.warn(
          { ...where, signals: read.signals.map((s) => s.id), reason: qualityOf(quality).reason },
          'device refuses signals',
        )
      for (const signal of read.signals) unusable(signal, at, quality)
    },
    silent(read) {
      const at = clock.now()
      if (!plan.silent(read, clock.monotonic())) return
      for (const signal of read.signals)
        if (lapsed(signal, at, UNANSWERED, 'source-timeout'))
          log.warn({ ...where, signal: signal.id }, 'device answers, but not this')
    },
    lesson(lesson) {
      plan.learn(lesson, clock.monotonic())
      log.info({ ...where, lesson }, 'device refuses a read but not its parts')
    },
  }

  function silent(reason: Silence, began: number): void {
    const now = clock.monotonic()
    const floor = context.shared ? Math.max(BACKOFF.floor, REST * (now - began)) : BACKOFF.floor
    const attempt = down ? down.attempt + 1 : 0
    if (!down) {
      queue.note({ kind: 'begin', device: device.name, signal: null, reason, at: clock.now() })
      log.warn({ ...where, reason }, 'device does not answer')
    }
    down = { attempt, retry_at: now + backoffMs(attempt, { ...BACKOFF, floor }) }
  }

  function answered(): void {
    if (!down) return
    down = undefined
    queue.note({ kind: 'end', device: device.name, signal: null, at: clock.now() })
    log.info(where, 'device answers again')
  }

  async function cycle(reads: readonly PlannedRead<PlannedSignal>[], stop: AbortSignal): Promise<void> {
    const began = clock.monotonic()
    let rest = reads
    if (down) {
      const silence = await readUnit(client, device.unit_id, reads.slice(0, 1), 1, sink, stop)
      if (silence) return silent(silence, began)
      if (reads.length > 0) answered()
      rest = reads.slice(1)
    }
    const silence = await readUnit(client, device.unit_id, rest, lanes, sink, stop)
    if (silence) silent(silence, began)
  }

  return {
    async run(start, stop) {
      const schedule = makeSchedule(start, [...new Set(device.signals.map((s) => s.period))])
      while (!stop.aborted) {
        await clock.sleep(schedule.next - clock.monotonic(), stop)
        await queue.room(stop)
        if (stop.aborted) return
        const now = clock.monotonic()
        const { periods, skipped } = schedule.take(now)
        overruns += skipped
        if (periods.length === 0) continue
        if (!down || now >= down.retry_at) await cycle(plan.reads(periods, now), stop)
        queue.complete(device.asset)
      }
    },
    settle() {
      const at = clock.now()
      // Behind what was read and is not decoded yet.
      queue.later(() => {
        for (const signal of bad.keys()) queue.note({ kind: 'end', device: device.name, signal: signal.id, at })
        if (down) queue.note({ kind: 'end', device: device.name, signal: null, at })
        bad.clear()
        down = undefined
      })
    },
    get overruns() {
      return overruns
    },
  }
}
