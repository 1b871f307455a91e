import { getEventListeners } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { type ClientOptions, type ModbusClient, openModbusClient } from './client.ts'
import { makeFrameFilter } from './frame-filter.ts'
import { linkLibrary } from './library.ts'
import { type ModbusSimulator, makeSimulatorMemory, openModbusSimulator, type SimulatorOptions } from './simulator.ts'

const forever = new AbortController().signal

async function plant(
  respond?: SimulatorOptions['respond'],
  options: Partial<ClientOptions> = {},
): Promise<{ client: ModbusClient; simulator: ModbusSimulator }> {
  const memory = makeSimulatorMemory()
  memory.set(
    1,
    'holding',
    0,
    Array.from({ length: 1000 }, (_, i) => i),
  )
  memory.set(1, 'input', 0, [7])
  memory.set(1, 'coil', 0, [1, 0, 1, 0, 0, 0, 0, 0, 1])
  memory.set(1, 'discrete', 5, [1])
  const simulator = await openModbusSimulator({ read: memory.read, ...(respond && { respond }) })
  const client = await openModbusClient(
    { timeout: 250, min_gap: 0, max_in_flight: 1, ...options },
    { transport: 'tcp', host: simulator.host, port: simulator.port },
    { source: 'line' },
  )
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    await simulator[Symbol.asyncDispose]()
  })
  return { client, simulator }
}
const holding = (address: number, quantity = 1, unit_id = 1) =>
  ({ unit_id, table: 'holding', address, quantity }) as const
const words = async (client: ModbusClient, address: number, quantity = 1): Promise<number[] | string> => {
  const result = await client.read(holding(address, quantity), forever)
  return result.kind === 'data'
    ? Array.from({ length: quantity }, (_, i) => result.data.readUInt16BE(i * 2))
    : result.kind
}
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof Fault ? error.code : error),
  )

describe('read', () => {
  it('reads the four tables', async () => {
    const { client } = await plant()
    expect(await words(client, 100, 3)).toEqual([100, 101, 102])
    expect(await client.read({ unit_id: 1, table: 'input', address: 0, quantity: 1 }, forever)).toEqual({
      kind: 'data',
      data: Buffer.from([0, 7]),
    })
    expect(await client.read({ unit_id: 1, table: 'coil', address: 0, quantity: 9 }, forever)).toEqual({
      kind: 'data',
      data: Buffer.from([0b101, 1]),
    })
    expect(await client.read({ unit_id: 1, table: 'discrete', address: 5, quantity: 1 }, forever)).toEqual({
      kind: 'data',
      data: Buffer.from([1]),
    })
  })

  it('reads 125 registers', async () => {
    const { client } = await plant()
    expect(await words(client, 0, 125)).toHaveLength(125)
  })

  it('hands out an exception', async () => {
    const { client } = await plant()
    expect(await client.read(holding(2000), forever)).toEqual({ kind: 'exception', code: 2 })
  })

  it('gives up on a unit that is silent and goes on with the others', async () => {
    const { client } = await plant()
    expect(await client.read(holding(0, 1, 9), forever)).toEqual({ kind: 'timeout' })
    expect(await words(client, 5)).toEqual([5])
    expect(client.lost.aborted).toBe(false)
  })

  it('keeps more requests than the library has transaction ids apart', async () => {
    const { client } = await plant(undefined, { max_in_flight: 4 })
    const addresses = Array.from({ length: 600 }, (_, i) => i)
    expect(await Promise.all(addresses.map((a) => words(client, a)))).toEqual(addresses.map((a) => [a]))
  })
})

describe('a server that answers wrongly', () => {
  it.each<[string, SimulatorOptions['respond']]>([
    ['in single bytes', (answer, send) => answer.forEach((_, i) => void send(answer.subarray(i, i + 1)))],
    ['twice', (answer, send) => [answer, answer].forEach(send)],
    [
      'glued to an answer for another unit',
      (answer, send) => {
        const other = Buffer.from(answer)
        other[6] = 99
        send(Buffer.concat([other, answer]))
      },
    ],
    [
      'after one with another transaction id and other data',
      (answer, send, request) => {
        const wrong = Buffer.from(answer)
        wrong.writeUInt16BE((request.transaction_id - 1) & 0xffff, 0)
        wrong.writeUInt16BE(0xdead, 9)
        send(wrong)
        send(answer)
      },
    ],
  ])('%s, gives right values only', async (_, respond) => {
    const { client } = await plant(respond, { max_in_flight: 3 })
    const addresses = Array.from({ length: 50 }, (_, i) => i * 3)
    expect(await Promise.all(addresses.map((a) => words(client, a)))).toEqual(addresses.map((a) => [a]))
  })

  it('too late, never gives the answer to a later request', async () => {
    const late: (() => void)[] = []
    const { client } = await plant((answer, send, request) => {
      if (request.address === 666) late.push(() => send(answer))
      else send(answer)
    })
    expect(await words(client, 666)).toBe('timeout')
    // Until the library's own transaction ids have come round and one of them is the late answer's.
    for (let address = 0; address < 600; address++) {
      if (address === 300) late.forEach((send) => void send())
      expect(await words(client, address)).toEqual([address])
    }
    expect(client.counters()).toMatchObject({ dropped_frames: 1, timeouts: 1, requests: 601 })
  })

  it('with the wrong transaction id only, times out and is then left', async () => {
    const { client } = await plant((answer, send) => {
      answer[1]! ^= 1
      send(answer)
    })
    expect(await words(client, 1)).toBe('timeout')
    expect(await words(client, 1)).toBe('timeout')
    expect(await words(client, 1)).toBe('timeout')
    expect(client.lost.reason).toMatchObject({ code: 'source-timeout' })
    expect(await rejection(words(client, 1))).toBe('source-timeout')
  })

  it('under another unit id, never gives the answer, and says who answered until the unit does', async () => {
    let mended = false
    const { client } = await plant((answer, send) => {
      if (!mended) answer[6] = 7
      send(answer)
    })
    expect(await client.read(holding(1), forever)).toEqual({ kind: 'timeout', answered_by: 7 })
    expect([...client.strangers]).toEqual([[1, 7]])
    mended = true
    expect(await words(client, 1)).toEqual([1])
    expect([...client.strangers]).toEqual([])
    mended = false
    for (let i = 0; i < 3; i++) expect(await words(client, 1)).toBe('timeout')
    expect(client.lost.reason).toMatchObject({
      message: expect.stringMatching(/unit id 1 was asked.* unit id 7 .*`unit_id`/),
    })
    expect(client.counters()).toMatchObject({ dropped_frames: 4 })
  })

  it.each<[string, SimulatorOptions['respond'], string]>([
    ['garbage', (_, send) => send(Buffer.from('220 FTP ready\r\n')), 'source-protocol'],
    ['a reset', (_a, _s, _r, socket) => void socket.resetAndDestroy(), 'source-closed'],
    ['a close', (_a, _s, _r, socket) => void socket.end(), 'source-closed'],
  ])('with %s, settles every request with a fault', async (_, respond, code) => {
    const { client } = await plant(respond)
    const reads = await Promise.all([1, 2, 3].map((a) => rejection(words(client, a))))
    expect(reads).toEqual([code, code, code])
    expect(client.lost.reason).toMatchObject({ code, where: { source: 'line' } })
  })
})

describe('deadlines and turns', () => {
  it('ends a request when it is aborted, and those that wait their turn', async () => {
    const { client, simulator } = await plant(() => undefined, { timeout: 60_000 })
    const stop = new AbortController()
    const reads = [1, 2].map((a) => rejection(client.read(holding(a), stop.signal)))
    await expect.poll(() => simulator.requests).toBe(1)
    stop.abort('enough')
    expect(await Promise.all(reads)).toEqual(['enough', 'enough'])
  })

  it('has no more requests open than allowed', async () => {
    let [open, most] = [0, 0]
    const { client } = await plant(
      (answer, send) => {
        most = Math.max(most, ++open)
        setTimeout(() => {
          open--
          send(answer)
        }, 5)
      },
      { max_in_flight: 2 },
    )
    await Promise.all(Array.from({ length: 10 }, (_, i) => words(client, i)))
    expect(most).toBe(2)
  })

  it('keeps the pause and the rate', async () => {
    const answered: number[] = []
    const { client } = await plant(
      (answer, send) => {
        answered.push(performance.now())
        send(answer)
      },
      { min_gap: 30, max_requests_per_s: 20 },
    )
    const start = performance.now()
    for (let i = 0; i < 4; i++) await words(client, i)
    // Timers may fire a millisecond early.
    for (const [i, at] of answered.slice(1).entries()) expect(at - answered[i]!).toBeGreaterThanOrEqual(28)
    expect(answered[3]! - start).toBeGreaterThanOrEqual(147)
  })
})

describe('requests that are over', () => {
  it('leave no timer and no listener behind, however they ended', async () => {
    const { client } = await plant()
    const stop = new AbortController()
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const round = async (): Promise<void> => {
      await client.read(holding(0), stop.signal)
      await client.read(holding(5_000), stop.signal)
      await client.read(holding(0, 1, 9), stop.signal)
    }
    await round()
    const before = timers()
    for (let i = 0; i < 200; i++) await client.read(holding(i % 2 === 0 ? 5_000 : 1), stop.signal)
    await round()
    expect(timers()).toBeLessThanOrEqual(before)
    expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(1)
    expect(client.counters()).toMatchObject({ requests: 206, exceptions: 102, timeouts: 2 })
  })
})

describe('what a read took', () => {
  it('is the time on the connection, without that before its turn', async () => {
    const { client } = await plant((answer, send) => void setTimeout(() => send(answer), 40))
    const took: number[] = []
    const began = performance.now()
    await Promise.all([1, 2, 3].map((a) => client.read(holding(a), forever, (ms) => took.push(ms))))
    // One after another: what each is said to take is its share of the whole.
    expect(took.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(performance.now() - began)
    expect(took.every((ms) => ms >= 38)).toBe(true)
  })
})

describe('connecting', () => {
  const options = { timeout: 300, min_gap: 0, max_in_flight: 1 }
  const to = { transport: 'tcp', host: '127.0.0.1' } as const
  it('says that nobody listens', async () => {
    const simulator = await openModbusSimulator({ read: () => [] })
    const { port } = simulator
    await simulator[Symbol.asyncDispose]()
    expect(await rejection(openModbusClient(options, { ...to, port }, {}))).toBe('source-refused')
  })
  it('says that a name leads nowhere', async () => {
    expect(await rejection(openModbusClient(options, { ...to, host: 'plc.invalid', port: 502 }, {}))).toBe(
      'source-unreachable',
    )
  })
})

describe('linkLibrary', () => {
  it('leaves it to the filter what goes out, so that a write of the library goes nowhere', async () => {
    const filter = makeFrameFilter()
    const { promise: stopped, resolve } = Promise.withResolvers<unknown>()
    const { client: library } = await linkLibrary((frame) => {
      try {
        filter.outgoing(frame)
      } catch (error) {
        resolve(error)
      }
    })
    library.writeFC6(1, 100, 7, () => undefined)
    expect(await stopped).toEqual(new RangeError('function code 6 is not a read'))
  })
})
