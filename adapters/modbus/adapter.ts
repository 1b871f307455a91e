import type { Source, SourceContext } from '../source.ts'
import { openModbusClient } from './client.ts'
import { timeReads } from './cost-probe.ts'
import { makeDeliveryQueue } from './delivery-queue.ts'
import { SUNSPEC } from './device-schema.ts'
import { describeLearnt, describeStranger, makeLearntMemo } from './learnt.ts'
import { type PlannedDevice, planModbusSource } from './plan.ts'
import { makePoller, type Poller } from './poller.ts'
import { probeModbus } from './probe.ts'
import { makeReadPlan, type ReadPlan } from './read-plan.ts'
import type { ModbusSourceConfig } from './schema.ts'
import { probeSunSpec } from './sunspec-probe.ts'
import { linkOf } from './transport-schema.ts'

/** Devices start within this time of each other at most, so that they are not all asked at once. */
const SPREAD = 1_000

/**
 * Opens the connection of a Modbus source. All devices behind it share it, and `probe` does too.
 * @throws Fault source-unreachable | source-refused
 */
export async function openModbusSource(config: ModbusSourceConfig, context: SourceContext): Promise<Source> {
  const { name, clock, log } = context
  const plan = planModbusSource(name, config)
  const readPlans = await plansOf(plan.devices, context)
  const client = await openModbusClient(config, linkOf(config), { source: name })
  const queue = makeDeliveryQueue()
  // A device whose signals `sluice probe` is still to find is not asked for anything.
  const devices = plan.devices.filter((device) => device.signals.length > 0)
  for (const { name: device, signals } of plan.devices)
    if (signals.length === 0)
      log.warn({ source: name, device }, 'device has no signals yet: paste what `sluice probe` shows')
  const shared = devices.length > 1
  const pollers = devices.map((device) =>
    makePoller(device, config.max_in_flight, {
      ...{ source: name, shared, clock, log, client, queue },
      plan: readPlans.get(device)!,
    }),
  )

  /** Ends with what made it end: the caller's abort, the link's fault or a bug. */
  async function poll(stop: AbortController): Promise<void> {
    const origin = clock.monotonic()
    const run = async (poller: Poller, i: number): Promise<void> => {
      const shortest = Math.min(SPREAD, ...devices[i]!.signals.map((s) => s.period))
      try {
        await poller.run(origin + (shortest * i) / pollers.length, stop.signal)
      } catch (error) {
        stop.abort(error)
      }
    }
    await Promise.all(pollers.map(run))
  }

  return {
    signals: plan.plan.signals,
    async *readings(signal) {
      const stop = new AbortController()
      const follow = (from: AbortSignal): void => {
        if (from.aborted) stop.abort(from.reason)
        else from.addEventListener('abort', () => stop.abort(from.reason), { signal: stop.signal })
      }
      follow(signal)
      follow(client.lost)
      const polling = poll(stop)
      try {
        while (!stop.signal.aborted) {
          await queue.filled(stop.signal)
          const delivery = queue.take(clock.now())
          if (delivery) yield delivery
        }
      } finally {
        stop.abort()
        await polling
      }
      for (const poller of pollers) poller.settle()
      const last = queue.take(clock.now())
      if (last) yield last
      if (!signal.aborted) throw stop.signal.reason
    },
    async probe(signal) {
      const lines = [...(await probeModbus(name, plan, client, signal, { plans: readPlans, clock }))]
      for (const [device, { profile }] of Object.entries(config.devices))
        if (profile === SUNSPEC) lines.push(...(await probeSunSpec(name, config, device, client, signal)))
      return lines
    },
    timeReads: (signal) => timeReads(plan.devices, client, { plans: readPlans, clock }, signal),
    counters: () => ({
      ...client.counters(),
      overruns: pollers.reduce((sum, poller) => sum + poller.overruns, 0),
    }),
    lessons: () =>
      [...readPlans].flatMap(([device, reads]) => [
        ...describeStranger(device, client.strangers),
        ...describeLearnt(device, reads.learnt(clock.monotonic())),
      ]),
    [Symbol.asyncDispose]: client[Symbol.asyncDispose],
  }
}

/** How each device is read: as configured, and as it taught in this run and those before. */
async function plansOf(
  devices: readonly PlannedDevice[],
  { name, clock, log, memo }: SourceContext,
): Promise<ReadonlyMap<PlannedDevice, ReadPlan>> {
  const learnt = makeLearntMemo(memo, clock, (device, err) =>
    log.warn({ source: name, device, err }, 'notes of what the device taught cannot be used'),
  )
  const plans = new Map<PlannedDevice, ReadPlan>()
  for (const device of devices) {
    const plan = makeReadPlan(device.signals, device.limits, {
      now: clock.monotonic(),
      known: await learnt.read(device),
      changed: (lessons) => learnt.note(device, lessons),
    })
    plans.set(device, plan)
  }
  return plans
}
