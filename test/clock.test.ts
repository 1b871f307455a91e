import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { qualityOf } from '../core/quality.ts'
import { contractOf, HOUR, MINUTE, planOf, policyOf, signalOf } from './support/disclosure.ts'
import { type FakeClock, makeFakeClock } from './support/fake-clock.ts'
import { blocksOf, type Delivered, type Run, startRun, troubles } from './support/publishing.ts'
import { makeFolder, type TestFolder } from './support/store.ts'

const DAY = 24 * HOUR
const EVERY = 30_000
const NOON = Date.UTC(2026, 5, 1, 12)
const OIL = signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: EVERY } })
const SENT = signalOf('press-7/sent', { unit: 'Cel', stamped_by: 'sender' })
const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [0, 1000], step: 1 }
const plan = planOf(
  contractOf({
    minutes: { kind: 'stream', grid: '1m', cadence: '1h', size_class: '64KiB', columns: { oil: column } },
    hours: { kind: 'table', window: '1h', cadence: '1h', size_class: '64KiB', columns: { sent: column } },
  }),
  policyOf({
    minutes: { oil: { from: '{asset}/oil', range: [0, 1000], step: 10 } },
    hours: { sent: { from: '{asset}/sent', range: [0, 1000], step: 10 } },
  }),
  [OIL, SENT],
)

interface Gateway {
  readonly clock: FakeClock
  readonly delivered: Delivered
  /** true time of each reading of `oil`, in order */
  readonly times: number[]
  run(): Run
  /** Reads for so long. */
  read(ms: number): Promise<void>
  restart(): Promise<void>
  reboot(wall: number): Promise<void>
}

async function openGateway(folder: TestFolder, wall: number): Promise<Gateway & AsyncDisposable> {
  const clock = makeFakeClock(wall)
  const delivered: Delivered = []
  const times: number[] = []
  const start = (): Promise<Run> => startRun(folder, clock, { signals: [OIL, SENT], plans: { krjp: plan }, delivered })
  let run = await start()
  let elapsed = 0
  return {
    clock,
    delivered,
    times,
    run: () => run,
    async read(ms) {
      for (const end = elapsed + ms; elapsed < end; elapsed += EVERY) {
        run.read({ 'press-7/oil': times.length % 1000 })
        run.read({ 'press-7/sent': times.length % 1000 }, NOON + elapsed)
        times.push(NOON + elapsed)
        await run.pass(EVERY)
      }
    },
    async restart() {
      await run[Symbol.asyncDispose]()
      run = await start()
    },
    async reboot(to) {
      await run[Symbol.asyncDispose]()
      clock.reboot(to)
      run = await start()
    },
    [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
  }
}

/** The readings of a signal as they are stored: time, value, reason of doubt. */
function stored(
  run: Run,
  signal: string,
): readonly { readonly at: number; readonly value: number; readonly why: string }[] {
  return blocksOf(run.store).flatMap(({ block }) =>
    [...block.signals.keys()].flatMap((i) =>
      run.store.signal(block.signals[i]!).id === signal
        ? [{ at: block.times[i]!, value: block.values[i]!, why: qualityOf(block.qualities[i]!).reason }]
        : [],
    ),
  )
}

describe('a gateway whose clock is wrong', () => {
  it('boots in 1970: what it reads waits, and has its true time once NTP has set the clock', async () => {
    using folder = makeFolder()
    await using gateway = await openGateway(folder, 0)
    await gateway.read(20 * MINUTE)
    expect(gateway.delivered).toEqual([])
    const before = gateway.run().store.status(gateway.clock.now()).pools.krjp!
    expect(before.accounts.pending).toBe(before.accounts.accepted)
    gateway.clock.step(NOON)
    await gateway.read(2 * HOUR)

    const oil = stored(gateway.run(), OIL.id)
    expect(oil.map(({ at }) => at)).toEqual(gateway.times)
    expect(new Set(oil.slice(0, 40).map(({ why }) => why))).toEqual(new Set(['clock']))
    expect(oil.at(-1)!.why).toBe('')
    const sent = stored(gateway.run(), SENT.id)
    expect(sent.map(({ at }) => at)).toEqual(gateway.times)
    expect(new Set(sent.map(({ why }) => why))).toEqual(new Set(['']))
    const { accounts } = gateway.run().store.status(gateway.clock.now()).pools.krjp!
    expect(accounts.withheld).toEqual({})
    expect(gateway.delivered.map((batch) => batch.from)).toContain(NOON)
    expect(troubles(gateway.run().store, gateway.delivered, gateway.clock.now())).toEqual([])
  })

  it.each([3 * HOUR, -3 * HOUR, DAY, -DAY])(
    'steps by %i ms and back: nothing shows of it but the doubt',
    async (step) => {
      using folder = makeFolder()
      await using gateway = await openGateway(folder, NOON)
      await gateway.read(30 * MINUTE)
      gateway.clock.step(step)
      await gateway.read(2 * MINUTE)
      await gateway.restart()
      await gateway.read(2 * MINUTE)
      expect(gateway.run().isSane()).toBe(false)
      gateway.clock.step(-step)
      await gateway.read(2 * HOUR)

      const oil = stored(gateway.run(), OIL.id)
      expect(oil.map(({ at }) => at)).toEqual(gateway.times)
      expect(oil.flatMap(({ why }, i) => (why === 'clock' ? [i] : []))).toEqual(
        Array.from({ length: 8 }, (_, i) => 60 + i),
      )
      const { accounts } = gateway.run().store.status(gateway.clock.now()).pools.krjp!
      expect(accounts.withheld).toEqual({})
      expect(troubles(gateway.run().store, gateway.delivered, gateway.clock.now())).toEqual([])
    },
  )

  it('boots anew while its clock is wrong: the boot that was right once is stamped from then, the other never', async () => {
    using folder = makeFolder()
    await using gateway = await openGateway(folder, NOON)
    await gateway.read(10 * MINUTE)
    gateway.clock.step(-3 * HOUR)
    await gateway.read(5 * MINUTE)
    await gateway.reboot(0)
    await gateway.read(5 * MINUTE)
    await gateway.reboot(NOON + 20 * MINUTE)
    await gateway.read(2 * HOUR)

    const oil = stored(gateway.run(), OIL.id)
    expect(oil.slice(0, 30).map(({ at }) => at)).toEqual(gateway.times.slice(0, 30))
    const { accounts } = gateway.run().store.status(gateway.clock.now()).pools.krjp!
    expect(accounts.withheld).toEqual({ clock: 20 })
    expect(troubles(gateway.run().store, gateway.delivered, gateway.clock.now())).toEqual([])
  })
})

const acts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('read'), minutes: fc.constantFrom(1, 4, 12) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('step'),
        by: fc.constantFrom(3 * HOUR, -3 * HOUR, DAY, -DAY, 2 * MINUTE, -2 * MINUTE, -400 * DAY),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('right') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reboot'), at: fc.constantFrom(0, 1, -DAY) }) },
  ),
  { minLength: 3, maxLength: 10 },
)

describe('any history of the clock', () => {
  it('keeps every reading, in order, in one account, and no slot is sealed twice', async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.constantFrom(0, NOON), async (history, first) => {
        using folder = makeFolder()
        await using gateway = await openGateway(folder, first)
        const { clock, delivered, times } = gateway
        const right = (): number => NOON + times.length * EVERY
        for (const act of history) {
          if (act.kind === 'read') await gateway.read(act.minutes * MINUTE)
          else if (act.kind === 'step') clock.step(act.by)
          else if (act.kind === 'right') clock.step(right() - clock.now())
          else if (act.kind === 'restart') await gateway.restart()
          else await gateway.reboot(act.at === 0 ? 0 : right() + act.at)
        }
        // Where it was a day behind, and believed after a while, nobody else would be believed.
        clock.step(right() - clock.now())
        gateway.run().acceptClock()
        await gateway.read(25 * MINUTE)
        const { store } = gateway.run()
        expect(stored(gateway.run(), OIL.id).map(({ value }) => value)).toEqual(times.map((_, i) => i % 1000))
        expect(store.status(clock.now()).pools.krjp!.accounts.accepted).toBe(2 * times.length)
        expect(troubles(store, delivered, clock.now())).toEqual([])
        const waiting = blocksOf(store).filter((block) => block.waits)
        expect(waiting).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 120_000)
})
