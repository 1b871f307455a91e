import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unixMs } from '../../../core/brand.ts'
import { valueAt } from '../../../core/reading-block.ts'
import { makeMemoryStore } from '../../../test/support/collecting.ts'
import { badPayloads, PAYLOAD_FORMATS } from '../../../test/support/payload-formats.ts'
import { makeIntake } from '../intake.ts'
import { mqttSourceSchema } from '../schema.ts'
import { loadFormats } from './load.ts'

const arrival = unixMs(Date.UTC(2026, 10, 24, 12))
it.each(PAYLOAD_FORMATS)(
  '$topic: anything becomes readings that hold together, or is refused',
  async ({ good, ...given }) => {
    const { topic } = given
    const filter = given.payload === 'sparkplug_b' ? 'spBv1.0/g/+/n/d' : topic
    const config = mqttSourceSchema.parse({
      kind: 'mqtt',
      url: 'mqtt://broker',
      subscriptions: [{ ...given, topic: filter, asset: 'a' }],
    })
    const loaded = await loadFormats(config)
    const logged: string[] = []
    const note = (fields: object, message: string) => logged.push(JSON.stringify(fields) + message)
    const log = { error: note, warn: note, info: note, debug: note }
    const intake = makeIntake(config, makeMemoryStore().context('mqtt', { log }), loaded)
    const before = Object.getOwnPropertyNames(Object.prototype).join()
    let read = 0

    const take = (payload: Uint8Array) => {
      intake.take({ topic, payload, retain: false, origins: [] }, arrival)
      const { block, refused } = intake.flush(arrival)
      for (let i = 0; i < block.times.length; i++) {
        const value = valueAt(block, i)
        if (value === null) expect(block.qualities[i]).not.toBe(0)
        if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true)
        expect(Number.isInteger(block.times[i])).toBe(true)
      }
      read += block.times.length
      return refused
    }

    take(good)
    expect(read).toBeGreaterThan(0)
    fc.assert(
      fc.property(badPayloads(good), (payload) => {
        take(payload)
        expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before)
      }),
      { numRuns: 400 },
    )
    for (const line of logged) expect(line.length).toBeLessThan(400)
  },
)
