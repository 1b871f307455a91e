import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountProblems } from '../buffer/accounts.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { DisclosurePlan } from '../privacy/compile.ts'
import { contractOf, MINUTE, planOf, policyOf, signalOf } from './support/disclosure.ts'
import { makeFakeClock } from './support/fake-clock.ts'
import { type Delivered, type Run, startRun } from './support/publishing.ts'
import { makeFolder, type TestFolder } from './support/store.ts'

/** Configurations that change under pending readings: privacy/README.md, "When the policy changes". */

const NOON = Date.UTC(2026, 5, 1, 12)
const EVERY = 30_000
const OIL = signalOf('press-7/oil', { unit: 'Cel' })
const GAS = signalOf('press-7/gas', { unit: 'Cel' })
const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [0, 1000], step: 1 }
const columns = { oil: column, gas: column }
const minutes = { kind: 'stream', grid: '1m', cadence: '1m', size_class: '8KiB', columns }
const tens = { kind: 'table', window: '10m', cadence: '10m', size_class: '8KiB', columns }
const from = (signal: string, step = 10) => ({ from: `{asset}/${signal}`, range: [0, 1000], step })

function planWith(datasets: Readonly<Record<string, object>>, rules: Readonly<Record<string, object>>): DisclosurePlan {
  return planOf(contractOf(datasets), policyOf(rules), [OIL, GAS])
}
const both = { minutes, tens }
const oilOnly = planWith(both, { minutes: { oil: from('oil') }, tens: { oil: from('oil') } })
const gasOnly = planWith(both, { minutes: { gas: from('gas') }, tens: { gas: from('gas') } })
const oilAndGas = planWith(both, {
  minutes: { oil: from('oil'), gas: from('gas') },
  tens: { oil: from('oil'), gas: from('gas') },
})
const coarser = planWith(both, { minutes: { oil: from('oil', 50) }, tens: { oil: from('oil', 50) } })
const noTens = planWith(both, { minutes: { oil: from('oil') } })
const longSlots = planWith(
  { minutes: { ...minutes, grid: '5m', cadence: '5m' }, tens },
  { minutes: { oil: from('oil') }, tens: { oil: from('oil') } },
)

interface Plant extends AsyncDisposable {
  readonly delivered: Delivered
  run(): Run
  read(ms: number): Promise<void>
  /** Stops, changes the configuration, starts. */
  change(plans: Readonly<Record<string, DisclosurePlan>>, signals?: readonly SignalSpec[]): Promise<void>
  /** Accounts of a signal for the pool, as `account reason`. */
  accounts(signal: string, pool?: string): Readonly<Record<string, number>>
}

async function openPlant(folder: TestFolder, plans: Readonly<Record<string, DisclosurePlan>>): Promise<Plant> {
  const clock = makeFakeClock(NOON)
  const delivered: Delivered = []
  let signals: readonly SignalSpec[] = [OIL, GAS]
  let run = await startRun(folder, clock, { signals, plans, delivered })
  return {
    delivered,
    run: () => run,
    async read(ms) {
      for (let passed = 0; passed < ms; passed += EVERY) {
        run.read({ 'press-7/oil': 300, 'press-7/gas': 400 })
        await run.pass(EVERY)
      }
    },
    async change(to, others = signals) {
      await run[Symbol.asyncDispose]()
      signals = others
      run = await startRun(folder, clock, { signals, plans: to, delivered })
    },
    accounts(signal, pool = 'krjp') {
      const lines = run.store.status(clock.now()).pools[pool]!.signals.filter((line) => line.signal === signal)
      return Object.fromEntries(lines.map(({ account, reason, n }) => [`${account} ${reason}`.trim(), n]))
    },
    [Symbol.asyncDispose]: () => run[Symbol.asyncDispose](),
  }
}

/** What is wrong with the accounts, and slots that were sealed twice. */
function troubles({ run, delivered }: Plant): readonly string[] {
  const until = new Map<string, number>()
  const twice = delivered.flatMap((batch) => {
    const key = `${batch.pool} ${batch.dataset}`
    const before = until.get(key) ?? 0
    until.set(key, batch.until)
    return batch.from >= before ? [] : [`${key}: ${batch.from} after ${before}`]
  })
  return [...accountProblems(run().store.status(NOON as never)), ...twice]
}

describe('a policy that changes under pending readings', () => {
  it('leaves disclosed what had left, though no rule names its signal any more', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(6 * MINUTE)
    const sealed = plant.delivered.length
    expect(plant.accounts(OIL.id)).toEqual({})
    await plant.change({ krjp: gasOnly })
    await plant.read(30 * MINUTE)
    const { disclosed, 'withheld unlisted': unlisted } = plant.accounts(OIL.id)
    // Two readings a minute; what no sealed minute held is not named by anything.
    expect(disclosed).toBe(2 * sealed)
    expect(unlisted).toBeGreaterThan(40)
    expect(troubles(plant)).toEqual([])
  })

  it('does not show a window of which a new column saw a part only', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(16 * MINUTE)
    await plant.change({ krjp: oilAndGas })
    await plant.read(44 * MINUTE)
    const gas = plant.accounts(GAS.id)
    expect(gas['withheld new_stream']).toBeGreaterThan(0)
    expect(gas.disclosed).toBeGreaterThan(0)
    expect(plant.accounts(OIL.id)).toEqual({ disclosed: plant.accounts(OIL.id).disclosed })
    expect(troubles(plant)).toEqual([])
  })

  it('does not fill the time in which a dataset was not published', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(15 * MINUTE)
    await plant.change({ krjp: noTens })
    await plant.read(60 * MINUTE)
    const before = plant.delivered.filter(({ dataset }) => dataset === 'tens').length
    await plant.change({ krjp: oilOnly })
    await plant.change({ krjp: oilOnly })
    await plant.read(25 * MINUTE)
    const after = plant.delivered.filter(({ dataset }) => dataset === 'tens').slice(before)
    expect(after.length).toBeGreaterThan(0)
    expect(after[0]!.from).toBeGreaterThanOrEqual(NOON + 70 * MINUTE)
    expect(troubles(plant)).toEqual([])
  })

  it('keeps what pending readings mean: their rows of the dictionary never change', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(5 * MINUTE)
    const kelvin = {
      ...OIL,
      unit: 'K',
      source: 'plc',
      scale: '0.1',
      cadence: { kind: 'periodic', every: EVERY },
    } as const
    await plant.change({ krjp: oilOnly }, [kelvin, GAS])
    await plant.read(25 * MINUTE)
    const { store } = plant.run()
    const units = new Set(
      store.blocks(0, 1_000).flatMap(({ block }) => [...block.signals].map((index) => store.signal(index).unit)),
    )
    expect(units).toEqual(new Set(['Cel', 'K']))
    expect(Object.keys(plant.accounts(OIL.id))).toEqual(['disclosed'])
    expect(troubles(plant)).toEqual([])
  })

  it('sends what was sealed as it was sealed', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(5 * MINUTE)
    const before = plant.delivered.map(({ id, sha256 }) => `${id} ${sha256}`)
    await plant.change({ krjp: coarser })
    await plant.read(20 * MINUTE)
    expect(plant.delivered.slice(0, before.length).map(({ id, sha256 }) => `${id} ${sha256}`)).toEqual(before)
    expect(troubles(plant)).toEqual([])
  })

  it('has a second pool begin now, and a renamed one keep what it holds', async () => {
    using folder = makeFolder()
    await using plant = await openPlant(folder, { krjp: oilOnly })
    await plant.read(5 * MINUTE)
    await plant.change({ krjp: oilOnly, second: oilAndGas })
    await plant.read(5 * MINUTE)
    await plant.change({ renamed: oilOnly })
    await plant.read(25 * MINUTE)
    const { pools } = plant.run().store.status(NOON as never)
    expect(
      Object.entries(pools).map(([name, { accounts, retired }]) => [name, accounts.accepted, retired !== null]),
    ).toEqual([
      ['krjp', 40, true],
      ['second', 20, true],
      ['renamed', 100, false],
    ])
    await plant.change({ krjp: oilOnly })
    await plant.read(15 * MINUTE)
    expect(plant.accounts(OIL.id).disclosed).toBeGreaterThan(60)
    expect(troubles(plant)).toEqual([])
  })
})

describe('any sequence of policies', () => {
  const policies = { oilOnly, gasOnly, oilAndGas, coarser, noTens, longSlots }
  const names = Object.keys(policies) as (keyof typeof policies)[]
  const steps = fc.array(fc.record({ policy: fc.constantFrom(...names), minutes: fc.constantFrom(1, 3, 7, 14) }), {
    minLength: 2,
    maxLength: 7,
  })
  it('accounts every reading once, and seals no slot twice', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        using folder = makeFolder()
        await using plant = await openPlant(folder, { krjp: oilOnly })
        for (const { policy, minutes: length } of history) {
          await plant.change({ krjp: policies[policy] })
          await plant.read(length * MINUTE)
        }
        expect(troubles(plant)).toEqual([])
      }),
      { numRuns: 8 },
    )
  }, 120_000)
})
