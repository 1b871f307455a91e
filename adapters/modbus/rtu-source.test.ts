import { describe, expect, it, onTestFinished } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { valueAt } from '../../core/reading-block.ts'
import { openRtuServer, type RtuServer } from '../../test/support/rtu-server.ts'
import { openModbusSource } from './adapter.ts'
import { modbusSourceSchema } from './schema.ts'

/** Every register holds its own address: whatever else is read was somebody else's. */
async function bus(server: RtuServer, devices: object) {
  const config = modbusSourceSchema.parse({
    kind: 'modbus',
    transport: 'rtu_over_tcp',
    host: '127.0.0.1',
    port: server.port,
    baud_rate: 115_200,
    timeout: '150ms',
    period: '1s',
    devices,
  })
  const source = await openModbusSource(config, {
    name: 'bus',
    clock: makeClock(100),
    log: silentLog,
    marks: async () => [],
  })
  const stop = new AbortController()
  const seen: [string, unknown][] = []
  const outages: unknown[] = []
  const collect = async (): Promise<void> => {
    for await (const { block, outages: notes = [] } of source.readings(stop.signal)) {
      for (let i = 0; i < block.times.length; i++) seen.push([source.signals[block.signals[i]!]!.id, valueAt(block, i)])
      outages.push(...notes)
    }
  }
  const ended = collect()
  onTestFinished(async () => {
    stop.abort()
    await ended
    await source[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { source, seen, outages }
}
const signals = { x: { holding: 100 }, y: { holding: 300, type: 'uint32' } }

describe('on a shared RTU bus', () => {
  it('a dead unit drops the values of no other, and is asked once a backoff period', async () => {
    const server = await openRtuServer((answer, send, { unit_id }) => {
      if (unit_id !== 2) send(answer)
    })
    const { seen, outages, source } = await bus(server, {
      alive: { unit_id: 1, signals },
      dead: { unit_id: 2, signals },
    })
    await expect.poll(() => seen.filter(([id]) => id === 'alive/x').length, { timeout: 10_000 }).toBeGreaterThan(15)
    expect(outages).toEqual([
      { kind: 'begin', device: 'dead', signal: null, reason: 'source-timeout', at: expect.any(Number) },
    ])
    expect(seen.every(([id]) => id.startsWith('alive/'))).toBe(true)
    expect(server.log.filter((r) => r.unit_id === 2).length).toBeLessThan(10)
    // The line was never opened anew for it.
    expect(source.counters().timeouts).toBe(server.log.filter((r) => r.unit_id === 2).length)
  })

  it('one answer that gets lost, comes late or damaged costs its unit a pause and nobody a wrong value', async () => {
    let n = 0
    const server = await openRtuServer((answer, send) => {
      n++
      if (n % 17 === 0) return
      if (n % 23 === 0) answer[4]! ^= 0xff
      if (n % 29 === 0) setTimeout(() => send(answer), 200)
      else send(answer)
    })
    const { seen } = await bus(server, {
      a: { unit_id: 1, signals },
      b: { unit_id: 2, signals },
    })
    await expect.poll(() => n, { timeout: 15_000 }).toBeGreaterThan(45)
    const right: Readonly<Record<string, number>> = { x: 100, y: 300 * 65_536 + 301 }
    for (const [id, value] of seen) expect(value, id).toBe(right[id.split('/')[1]!])
    expect(seen.length).toBeGreaterThan(15)
  })
})
