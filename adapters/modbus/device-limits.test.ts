import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { keepaliveOf } from '../../test/support/keepalive.ts'
import type { Source } from '../source.ts'
import { openModbusSource } from './adapter.ts'
import { modbusSourceSchema } from './schema.ts'
import { type ModbusSimulator, openModbusSimulator, type SimulatedAnswer } from './simulator.ts'

const open = ({ host, port }: ModbusSimulator): Promise<Source> =>
  openModbusSource(
    modbusSourceSchema.parse({
      ...{ kind: 'modbus', host, port, timeout: '300ms' },
      devices: { plc: { signals: { a: { holding: 0 } } } },
    }),
    { name: 'line', clock: makeClock(200), log: silentLog, marks: async () => [] },
  )

/** Collects until the link is lost; gives the code of its fault. */
async function lost(source: Source): Promise<unknown> {
  try {
    for await (const _ of source.readings(new AbortController().signal));
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'ended'
}

describe('a device that takes one connection', () => {
  it('sees it freed before the next one, also when it had stopped answering', async () => {
    let answer: SimulatedAnswer = 'silent'
    await using plc = await openModbusSimulator({ read: () => answer, max_connections: 1 })
    for (let i = 0; i < 3; i++) {
      const source = await open(plc)
      expect(await lost(source)).toBe('source-timeout')
      await expect.poll(() => plc.connections, { timeout: 5_000 }).toBe(0)
      await source[Symbol.asyncDispose]()
    }
    answer = [7]
    await using source = await open(plc)
    const [line] = await source.probe(new AbortController().signal)
    expect(line).toMatchObject({ value: 7, quality: 'good' })
    // A second client is what it would have refused.
    await using second = await open(plc)
    expect((await second.probe(new AbortController().signal))[0]).toMatchObject({ quality: 'bad' })
  })
})

describe.skipIf(process.platform !== 'linux')('a half-open connection', () => {
  it('is found without a request: the kernel asks the other side after ten idle seconds', async () => {
    await using plc = await openModbusSimulator({ read: () => [1] })
    await using source = await open(plc)
    await source.probe(new AbortController().signal)
    await expect.poll(() => keepaliveOf(plc.port)).toBeLessThanOrEqual(10_000)
  })
})
