import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeClock } from '../../core/clock.ts'
import { makeMemoryStore } from '../../test/support/collecting.ts'
import type { Source } from '../source.ts'
import { loadFormats } from './formats/load.ts'
import { makeIntake } from './intake.ts'
import { firstProblems, memoryOf } from './memory.ts'
import { mqttSourceSchema } from './schema.ts'

/** A subscription that brought a message, and those for which the broker sent copies. */
interface From {
  readonly filter: string
  readonly together?: readonly string[]
}

interface Case {
  readonly what: string
  readonly subscriptions: readonly { readonly topic: string }[]
  readonly options?: object
  readonly messages: readonly {
    readonly topic: string
    readonly payload?: string
    /** bytes, where they are no text; spaces are for the reader */
    readonly hex?: string
    readonly repeat?: number
    readonly retain?: boolean
    readonly from?: readonly From[]
  }[]
  readonly readings: readonly (readonly [id: string, value: unknown, quality: string, at?: number])[]
  readonly refused?: object
  readonly outages?: readonly object[]
  readonly complete?: object
  readonly counters?: object
}

const arrival = unixMs(Date.UTC(2026, 10, 24, 12))

async function setUp(subscriptions: readonly object[], options: object = {}) {
  const config = mqttSourceSchema.parse({ kind: 'mqtt', url: 'mqtt://broker', subscriptions, ...options })
  const store = makeMemoryStore()
  const logged: { readonly fields: object; readonly message: string }[] = []
  const note = (fields: object, message: string) => logged.push({ fields, message })
  const clock = { ...makeClock(), monotonic: () => now }
  let now = 0
  const context = store.context('mqtt', { clock, log: { error: note, warn: note, info: note, debug: note } })
  const intake = makeIntake(config, context, await loadFormats(config))
  return {
    intake,
    store,
    logged,
    context,
    config,
    pass(ms: number) {
      now += ms
    },
    take(
      topic: string,
      payload: string | Uint8Array,
      more: { readonly retain?: boolean; readonly from?: readonly From[] } = {},
    ) {
      const { retain = false, from = [] } = more
      const origins = from.map(({ filter, together = [] }) => ({ filter, together: new Set(together) }))
      intake.take({ topic, payload: Buffer.from(payload), retain, origins }, arrival)
    },
    flush() {
      store.append({ signals: intake.signals } as Source, intake.flush(arrival))
    },
  }
}

/** JSON has no whole numbers beyond 2^53. */
function exactly(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bigint' in value ? BigInt(value.bigint as string) : value
}

describe('cases', () => {
  const folder = new URL('cases/', import.meta.url)
  for (const file of readdirSync(folder)) {
    const given = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Case
    it(`${file}: ${given.what}`, async () => {
      const { take, flush, store, context } = await setUp(given.subscriptions, given.options)
      for (const { topic, payload = '', hex, repeat = 1, ...more } of given.messages)
        take(topic, hex === undefined ? payload.repeat(repeat) : Buffer.from(hex.replaceAll(' ', ''), 'hex'), more)
      flush()
      expect(store.readings.map((r) => [r.id, r.value, r.quality, r.at])).toEqual(
        given.readings.map(([id, value, quality, at = arrival]) => [id, exactly(value), quality, at]),
      )
      expect(store.refused).toEqual(given.refused ?? {})
      if (given.outages) expect(store.outages).toEqual(given.outages)
      if (given.complete) expect(store.complete).toEqual(given.complete)
      if (given.counters) expect(memoryOf(context).counters).toMatchObject(given.counters)
    })
  }
})

const stamped = { time: { path: '$.ts', format: 'unix_ms' }, signals: { t: { path: '$.t' } } }

describe('whose clock stamped a reading', () => {
  it('is said reading by reading, and listed as one signal', async () => {
    const { take, intake } = await setUp([
      { topic: 'a/{asset}', ...stamped },
      { topic: 'b/{asset}', signals: { t: { path: '$.t' } } },
    ])
    take('a/x', `{"ts":${arrival - 100},"t":1}`)
    take('b/x', '{"t":2}')
    take('b/y', '{"t":3}')
    take('a/y', `{"ts":${arrival - 100},"t":4}`)
    const { block } = intake.flush(arrival)
    const stamps = [...block.signals].map((index) => [intake.signals[index]!.id, intake.signals[index]!.stamped_by])
    expect(stamps).toEqual([
      ['x/t', 'sender'],
      ['x/t', undefined],
      ['y/t', undefined],
      ['y/t', 'sender'],
    ])
    expect(intake.lastSeen().map(({ asset, signal, value }) => [asset, signal, value])).toEqual([
      ['x', 't', 2],
      ['y', 't', 4],
    ])
  })
})

describe('complete_until', () => {
  it('is the oldest of the newest times of the subscriptions seen, and never after the arrival', async () => {
    const { take, flush, store } = await setUp([
      { topic: 'a/{asset}', ...stamped },
      { topic: 'b/{asset}', time: stamped.time, signals: { u: { path: '$.t' } } },
      { topic: 'c', asset: 'x', signals: { v: { path: '$.t' } } },
    ])
    flush()
    expect(store.complete).toEqual({ x: arrival })
    take('a/x', `{"ts":${arrival - 100},"t":1}`)
    take('a/x', `{"ts":${arrival - 300},"t":1}`)
    flush()
    expect(store.complete).toEqual({ x: arrival - 100 })
    take('b/x', `{"ts":${arrival - 200},"t":1}`)
    take('a/y', `{"ts":${arrival + 60_000},"t":1}`)
    flush()
    expect(store.complete).toEqual({ x: arrival - 200, y: arrival })
  })
})

it('remembers a bad state from one connection to the next', async () => {
  const first = await setUp([{ topic: 'a/{asset}', ...stamped }])
  first.take('a/x', `{"ts":${arrival},"t":"1"}`)
  first.flush()
  const second = makeIntake(first.config, first.context, await loadFormats(first.config))
  second.take({ topic: 'a/x', payload: Buffer.from(`{"ts":${arrival},"t":1}`), retain: false, origins: [] }, arrival)
  expect(second.flush(arrival).outages).toEqual([{ kind: 'end', device: null, signal: 'x/t', at: arrival }])
})

it('says a refusal once, then how many in each minute, with the topic and without the payload', async () => {
  const { take, logged, pass, context } = await setUp([{ topic: 'a/{asset}', ...stamped }])
  for (let i = 0; i < 100; i++) take('a/x', '{"secret-recipe":1')
  expect(logged).toHaveLength(1)
  expect(logged[0]!.fields).toMatchObject({ source: 'mqtt', reason: 'malformed', topic: 'a/x', n: 1 })
  pass(60_000)
  take('a/x', '{')
  expect(logged[1]!.fields).toMatchObject({ n: 100 })
  expect(logged[1]!.fields).toMatchObject({ detail: 'the JSON ends too early', byte: 1 })
  take('a/y', `{"ts":"secret-recipe","t":1}`)
  const problems = firstProblems(memoryOf(context))
  expect(problems.map(({ device }) => device)).toEqual(['a/x', 'a/y'])
  expect(problems[0]!.text).toMatch(/^first message refused as malformed: the JSON ends too early, byte 18, 20/)
  expect(problems[1]!.text).toMatch(/^first message refused as bad_time: no time that is unix_ms, 20/)
  expect(JSON.stringify([logged, problems])).not.toContain('secret-recipe')
})

it('stays small however many topics and assets come', async () => {
  const { take, intake, context } = await setUp([{ topic: '{asset}/#', ...stamped }], { max_assets: 10 })
  for (let i = 0; i < 25_000; i++) take(`asset-${i}/${i}`, `{"ts":${arrival},"t":1}`)
  expect(intake.signals).toHaveLength(10)
  expect(memoryOf(context).newest.size).toBe(10)
  expect(intake.flush(arrival).refused).toEqual({ too_many_assets: 24_990 })
})

describe('anything a sender can send', () => {
  const subscriptions = [
    { topic: 'a/{asset}/#', ...stamped },
    {
      topic: 'b/{asset}',
      time: { path: '$.at', format: 'iso8601', zone: 'Asia/Tokyo' },
      signals: {
        i: { path: '$.i', type: 'int64' },
        u: { path: '$.u[0]', type: 'uint16', scale: 0.1 },
        s: { path: "$['s']", type: 'string' },
        b: { path: '$.b', type: 'bool' },
        whole: { path: '$', type: 'float64' },
      },
    },
    { topic: 'c', asset: 'c', signals: { v: { path: '$', type: 'uint64' } } },
  ]
  const topics = fc.constantFrom('a/x/y', 'b/y', 'c', 'a/no name', 'b/', 'd')
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        {
          ts: fc.jsonValue(),
          t: fc.jsonValue(),
          at: fc.jsonValue(),
          i: fc.jsonValue(),
          u: fc.jsonValue(),
          s: fc.jsonValue(),
          b: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((o) => Buffer.from(JSON.stringify(o))),
  )

  it('is a reading with a value, a bad reading without one, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(topics, bytes, fc.boolean()), { maxLength: 20 }), async (messages) => {
        const { take, flush, store, intake } = await setUp(subscriptions)
        for (const [topic, payload, retain] of messages) take(topic, payload, { retain })
        flush()
        for (const reading of store.readings) {
          expect(reading.value === null).toBe(reading.quality.startsWith('bad'))
          if (typeof reading.value === 'number') expect(Number.isFinite(reading.value)).toBe(true)
          expect(Number.isFinite(reading.at)).toBe(true)
        }
        expect(intake.waiting).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })
})
