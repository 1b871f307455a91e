import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeDeliveryQueue } from './delivery-queue.ts'

const never = new AbortController().signal

describe('makeDeliveryQueue', () => {
  it('hands out all that waits as one block', async () => {
    const queue = makeDeliveryQueue()
    queue.add(0, 1, 1.5)
    queue.add(1, 2, null, 5)
    queue.note({ kind: 'begin', device: 'plc', signal: 'a/b', reason: 'not_a_number', at: 2 })
    queue.complete('a')
    queue.complete('b')
    await queue.filled(never)
    const delivery = queue.take(unixMs(10))
    expect(delivery?.block).toMatchObject({ arrival: 10, complete_until: { a: 10, b: 10 } })
    expect([...delivery!.block.times]).toEqual([1, 2])
    expect(delivery?.outages).toHaveLength(1)
    expect(queue.take(unixMs(11))).toBeUndefined()
  })

  it('does what was put aside once requests are out, at the latest before anything is taken', async () => {
    const queue = makeDeliveryQueue()
    queue.later(() => queue.add(0, 1, 1.5))
    queue.complete('a')
    expect(queue.take(unixMs(10))?.block.times).toHaveLength(1)

    const done: string[] = []
    queue.later(() => done.push('decoded'))
    await Promise.resolve().then(() => done.push('sent'))
    await new Promise(setImmediate)
    expect(done).toEqual(['sent', 'decoded'])
  })

  it('fails where what was put aside fails', async () => {
    const queue = makeDeliveryQueue()
    queue.later(() => {
      throw new RangeError('too short')
    })
    await new Promise(setImmediate)
    expect(() => queue.take(unixMs(10))).toThrow('too short')
  })

  it('makes pollers wait when the taker is slow', async () => {
    const queue = makeDeliveryQueue(2)
    await queue.room(never)
    queue.add(0, 1, 1)
    queue.add(0, 2, 2)
    let room = false
    const waiting = queue.room(never).then(() => {
      room = true
    })
    await Promise.resolve()
    expect(room).toBe(false)
    expect(queue.take(unixMs(3))?.block.times).toHaveLength(2)
    await waiting
    expect(room).toBe(true)
  })

  it('lets everybody go when it is over', async () => {
    const queue = makeDeliveryQueue(1)
    queue.add(0, 1, 1)
    const stop = new AbortController()
    const waits = Promise.all([queue.room(stop.signal), queue.filled(stop.signal)])
    stop.abort()
    await waits
  })
})
