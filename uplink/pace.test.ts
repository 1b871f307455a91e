import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startReceiver } from '../test/support/receiver.ts'
import { makeSealInput, newKey, POOL } from '../test/support/sealing.ts'
import { openHttpPool } from './http-pool.ts'
import { seal } from './seal.ts'

const plant = newKey()
const never = new AbortController().signal
const batch = (seq: number) => seal(makeSealInput({ signing: plant, seq })) // 16 KiB

describe('a pool with max_rate', () => {
  it('gets batches at that rate, however short the timeout is, and says all the while that it goes on', async () => {
    await using receiver = await startReceiver({ plant: plant.id })
    const { url, receipt_key } = receiver
    const rate = 40_000
    await using pool = openHttpPool({ name: POOL, url, receipt_key, timeout: 500, max_rate: rate })
    const started = performance.now()
    const seen: number[] = []
    for (const seq of [1, 2, 3]) {
      const verdict = await pool.deliver(batch(seq), never, () => seen.push(performance.now()))
      expect(verdict.kind).toBe('accepted')
    }
    const seconds = (performance.now() - started) / 1_000
    const bytes = 3 * 16_384
    expect(bytes / seconds).toBeLessThan(rate * 1.15) // one piece is free
    expect(bytes / seconds).toBeGreaterThan(rate / 3)
    expect(seen.length).toBeGreaterThanOrEqual(10)
  })

  it('stops sending at once when it is stopped', async () => {
    await using receiver = await startReceiver({ plant: plant.id })
    const { url, receipt_key } = receiver
    await using pool = openHttpPool({ name: POOL, url, receipt_key, timeout: 500, max_rate: 100 })
    const stop = new AbortController()
    const verdict = await pool.deliver(batch(1), stop.signal, () => stop.abort())
    expect(verdict).toMatchObject({ kind: 'retry', fault: { message: 'stopped' } })
  })

  it('hears an answer that comes before everything is sent', async () => {
    const server = createServer((_, response) => response.writeHead(401).end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await using pool = openHttpPool({ name: POOL, url, receipt_key: plant.id, timeout: 500, max_rate: 100 })
    expect(await pool.deliver(batch(1), never)).toMatchObject({ kind: 'hold', fault: { code: 'pool-identity' } })
    server.closeAllConnections()
    server.close()
  })
})
