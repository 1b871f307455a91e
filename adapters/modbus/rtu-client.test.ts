import { describe, expect, it, onTestFinished } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { openRtuServer, type RtuServer } from '../../test/support/rtu-server.ts'
import { type ModbusClient, openModbusClient } from './client.ts'
import { withCrc } from './crc.ts'

const forever = new AbortController().signal
/** Where one is wanted; elsewhere a busy machine has time. */
const TIMEOUT = 150

async function line(
  respond?: Parameters<typeof openRtuServer>[0],
  { timeout = 5_000, baud_rate = 115_200 } = {},
): Promise<{ client: ModbusClient; server: RtuServer }> {
  const server = await openRtuServer(respond)
  const client = await openModbusClient(
    { timeout, min_gap: 0, max_in_flight: 4 },
    { transport: 'rtu_over_tcp', host: '127.0.0.1', port: server.port, baud_rate },
    { source: 'bus' },
  )
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { client, server }
}
const lossy = { timeout: TIMEOUT }
const holding = (address: number, quantity = 1, unit_id = 1) =>
  ({ unit_id, table: 'holding', address, quantity }) as const
async function words(client: ModbusClient, address: number, quantity = 1, unit_id = 1): Promise<number[] | string> {
  const result = await client.read(holding(address, quantity, unit_id), forever)
  if (result.kind !== 'data') return result.kind
  return Array.from({ length: quantity }, (_, i) => result.data.readUInt16BE(i * 2))
}
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('RTU over TCP', () => {
  it('reads, one request at a time whoever asks', async () => {
    let [open, most] = [0, 0]
    const { client } = await line((answer, send) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        send(answer)
      }, 2)
    })
    expect(await Promise.all(upTo(10).map((i) => words(client, i * 100, 1 + i)))).toEqual(
      upTo(10).map((i) => upTo(1 + i).map((k) => i * 100 + k)),
    )
    expect(most).toBe(1)
    expect(await words(client, 0, 125)).toEqual(upTo(125))
  })

  it.each<[string, Parameters<typeof openRtuServer>[0]]>([
    ['in single bytes', (answer, send) => answer.forEach((_, i) => void send(answer.subarray(i, i + 1)))],
    ['twice', (answer, send) => [answer, answer].forEach(send)],
    ['behind its own request', (answer, send, { frame }) => send(Buffer.concat([frame, answer]))],
    ['behind noise', (answer, send) => send(Buffer.concat([Buffer.from([0xff, 0, 1, 3]), answer]))],
    [
      'behind an answer of another unit',
      (answer, send) => send(Buffer.concat([withCrc(Buffer.from([9, 3, 2, 0xde, 0xad])), answer])),
    ],
  ])('that answers %s gives right values only', async (_, respond) => {
    const { client } = await line(respond)
    expect(await Promise.all(upTo(20).map((i) => words(client, i * 3)))).toEqual(upTo(20).map((i) => [i * 3]))
  })

  it('with a wrong CRC gives no value', async () => {
    const { client } = await line((answer, send, { address }) => {
      if (address === 5) answer[3]! ^= 1
      send(answer)
    }, lossy)
    expect(await words(client, 5)).toBe('timeout')
    expect(await words(client, 6)).toEqual([6])
  })

  it('keeps 3.5 characters of silence before every request', async () => {
    const times: number[] = []
    // 1200 baud: 3.5 characters are 32 ms.
    const { client } = await line(
      (answer, send) => {
        times.push(performance.now())
        send(answer)
      },
      { baud_rate: 1200 },
    )
    for (const i of upTo(3)) await words(client, i)
    for (const [i, at] of times.slice(1).entries()) expect(at - times[i]!).toBeGreaterThanOrEqual(31)
  })

  it('whose line is never silent says so', async () => {
    const { client, server } = await line(undefined, { baud_rate: 110, timeout: TIMEOUT })
    const noise = setInterval(() => server.say(Buffer.from([0x55])), 2)
    onTestFinished(() => clearInterval(noise))
    await expect(client.read(holding(0), forever)).rejects.toMatchObject({ code: 'source-protocol' })
    expect(client.lost.reason).toBeInstanceOf(Fault)
    expect(client.lost.reason.message).toMatch(/another master/)
  })
})

describe('an answer that comes after the timeout', () => {
  it('within one more timeout meets no request, while other units are read', async () => {
    const times: number[] = []
    const { client, server } = await line((answer, send, { address }) => {
      times.push(performance.now())
      if (address === 666) setTimeout(() => send(answer), TIMEOUT * 1.5)
      else send(answer)
    }, lossy)
    expect(await words(client, 666)).toBe('timeout')
    const next = words(client, 100, 2)
    expect(await words(client, 7, 1, 2)).toEqual([7])
    expect(await next).toEqual([100, 101])
    expect(server.log.map((r) => r.address)).toEqual([666, 7, 100])
    // Timers may fire a millisecond early.
    expect(times[2]! - times[0]!).toBeGreaterThanOrEqual(TIMEOUT * 2 - 2)
    expect(client.counters()).toMatchObject({ timeouts: 1, dropped_frames: 1 })
  })

  it('later still, is told by a shorter read that goes before the next', async () => {
    const queue: Buffer[] = []
    const { client, server } = await line((answer, send, { address }) => {
      // In order, as one device answers: what is late comes before the answer to what follows.
      if (address === 666) queue.push(answer)
      else for (const frame of [...queue.splice(0), answer]) send(frame)
    }, lossy)
    expect(await words(client, 666, 4)).toBe('timeout')
    expect(await words(client, 100, 4)).toEqual([100, 101, 102, 103])
    expect(await words(client, 200, 4)).toEqual([200, 201, 202, 203])
    expect(server.log.map((r) => [r.address, r.quantity])).toEqual([
      [666, 4],
      [100, 1],
      [100, 4],
      [200, 4],
    ])
  })

  it('later still, to a single register, is waited for: no read is shorter', async () => {
    const { client, server } = await line((answer, send, { address }) => {
      if (address === 666) setTimeout(() => send(answer), TIMEOUT * 2.5)
      else send(answer)
    }, lossy)
    expect(await words(client, 666)).toBe('timeout')
    // A device that shifts by one for ever gives 666, 100, 101 … to a master that takes what fits.
    for (const address of [100, 101, 102]) expect(await words(client, address)).toEqual([address])
    expect(server.log).toHaveLength(4)
    expect(client.counters()).toMatchObject({ dropped_frames: 1 })
  })

  it('does not free the line for another request when nobody waits for it any more', async () => {
    const { client, server } = await line((answer, send) => setTimeout(() => send(answer), 50))
    const stop = new AbortController()
    const given = client.read(holding(1), stop.signal)
    await expect.poll(() => server.log.length, { interval: 1 }).toBe(1)
    stop.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(await words(client, 2)).toEqual([2])
    expect(client.counters()).toMatchObject({ timeouts: 0 })
  })
})
