import { expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { contractOf, planOf, policyOf, signalOf } from '../../test/support/disclosure.ts'
import { gateOf } from '../../test/support/publishing.ts'
import { makeFolder, T0 } from '../../test/support/store.ts'
import { makePublisher, type Publisher } from './publish.ts'

const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [0, 200], step: 0.1 }
const contract = contractOf(
  {
    stream: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil: column } },
    shift: { kind: 'table', window: '6h', cadence: '6h', columns: { oil: column } },
  },
  { grace: '1s', max_wait: '1m' },
)
const rule = { oil: { from: '{asset}/oil', range: [0, 100], step: 1 } }
const signals = [signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: 0.5 } })]

it('publishes every slot once and accounts every reading, while what it waits for is thinned', {
  timeout: 60_000,
}, () => {
  using folder = makeFolder()
  let publisher: Publisher | undefined
  const sealed: string[] = []
  using store = folder.open({
    max_size: 2.2e6, // a megabyte of it is reserve
    when_full: 'thin_oldest',
    fateOnEviction: (_, block) => publisher?.fateOnEviction(block),
  })
  const gate = gateOf('p', planOf(contract, policyOf({ stream: rule, shift: rule }), signals))
  store.intern(signals)
  publisher = makePublisher({ store, gate })
  let restarts = 0

  /** A second of the plant: readings that do not compress, and what they bring about. */
  function second(i: number, readings: number): void {
    const arrival = unixMs(T0 + i * 1_000)
    const builder = makeBlockBuilder(readings)
    for (let r = 0; r < readings; r++) builder.add(0, arrival - 999 + r / 2, Math.random() * 100)
    const block = builder.take(arrival, { 'press-7': arrival })
    const context = { arrival, monotonic: i, sane: true, marks: [], outages: [], counts: [] }
    const { evicted } = store.append({ ...context, blocks: [{ source: 'plc', block }] })
    if (evicted.includes('p')) {
      restarts++
      publisher = makePublisher({ store, gate })
    }
    for (let step = publisher!.step(); step.kind !== 'idle'; step = publisher!.step()) {
      if (step.kind === 'sealed') sealed.push(step.dataset)
    }
  }

  for (let i = 1; i <= 150; i++) second(i, 2_000)
  const during = store.status(T0).pools.p!
  expect(restarts).toBeGreaterThan(2)
  expect(during.accounts.pending).toBeLessThan(250_000) // the shift waits for all of them
  // Each minute is sealed by the time its readings are thinned, so they are disclosed; the present one's are given up.
  expect(during.accounts.disclosed).toBeGreaterThan(0)
  expect(sealed.filter((dataset) => dataset === 'stream').length).toBe(2)

  for (let i = 180; i < 7 * 3_600; i += 60) second(i, 0)
  const { accounts, batches } = store.status(T0).pools.p!
  expect(sealed.filter((dataset) => dataset === 'shift')).toEqual(['shift'])
  expect(batches.sealed).toBe(sealed.length)
  expect(accounts.pending).toBe(0)
  const { disclosed, evicted, withheld } = accounts
  const given = [disclosed, ...Object.values(evicted), ...Object.values(withheld)].reduce((sum, n) => sum + n, 0)
  expect(given).toBe(300_000)
  expect(Object.keys(evicted).filter((reason) => reason !== 'thinned')).toEqual([])
})
