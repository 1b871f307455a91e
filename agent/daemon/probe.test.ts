import { describe, expect, it } from 'vitest'
import type { ProbeReading, Source, TimedReads } from '../../adapters/source.ts'
import { FAULTS } from '../../core/fault.ts'
import type { Collector, SourceState } from './collect.ts'
import { makeProber } from './probe.ts'

const stop = new AbortController().signal
const fault = {
  code: 'source-config' as const,
  message: 'its configuration is not valid',
  hint: FAULTS['source-config'].hint,
}
const state = (own: Partial<SourceState> = {}): SourceState => ({
  ...{ kind: 'modbus', state: 'up', readings: 0, fault: null, counters: {} },
  ...own,
})
const reading = (source: string): ProbeReading => ({
  ...{ source, device: null, asset: 'a', signal: 's', value: 1, quality: 'good', reason: '', unit: null, raw: null },
})
const timed: readonly TimedReads[] = [{ kind: 'untimed', device: 'plc', why: 'no answer' }]

function collector(name: string, own: Partial<Source> | undefined, states: SourceState = state()): Collector {
  const source: Source = {
    signals: [],
    async *readings() {
      // nobody collects here
    },
    probe: async () => [reading(name)],
    counters: () => ({}),
    [Symbol.asyncDispose]: async () => undefined,
    ...own,
  }
  return { state: () => states, readings: () => states.readings, source: () => own && source, done: Promise.resolve() }
}

const { probe, timeReads } = makeProber(
  new Map([
    ['plc', collector('plc', { timeReads: async () => timed })],
    ['broker', collector('broker', {})],
    [
      'down',
      collector(
        'down',
        undefined,
        state({ state: 'down', fault: { ...fault, code: 'source-timeout', message: 'no answer' } }),
      ),
    ],
    ['new', collector('new', undefined, state({ state: 'connecting' }))],
  ]),
  new Map([['bad', state({ state: 'off', fault })]]),
  stop,
)

describe('the prober of a running agent', () => {
  it('reads every source, and says why others give nothing', async () => {
    const { readings, faults } = await probe()
    expect(readings.map((r) => r.source)).toEqual(['plc', 'broker'])
    expect(faults.map((f) => [f.where.source, f.code, f.message])).toEqual([
      ['down', 'source-timeout', 'no answer'],
      ['new', 'source-closed', 'the source is not open yet'],
      ['bad', 'source-config', fault.message],
    ])
    expect((await probe('broker')).readings).toEqual([reading('broker')])
    await expect(probe('none')).rejects.toMatchObject({ code: 'usage', message: 'there is no such source' })
  })

  it('times the reads of a source that has such', async () => {
    expect(await timeReads('plc')).toBe(timed)
    await expect(timeReads('broker')).rejects.toMatchObject({ code: 'usage', message: 'only Modbus reads have a cost' })
    await expect(timeReads('none')).rejects.toMatchObject({ code: 'usage' })
    await expect(timeReads('down')).rejects.toMatchObject({ code: 'source-timeout', message: 'no answer' })
  })
})
