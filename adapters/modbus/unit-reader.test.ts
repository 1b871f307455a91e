import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Lesson } from './bisect.ts'
import type { ModbusClient } from './client.ts'
import { type Place, type PlannedRead, planReads, type ReadLimits } from './read-set.ts'
import { readUnit } from './unit-reader.ts'

const limits: ReadLimits = { max_registers: 125, max_bits: 2_000, cost: { request_ms: 5, register_ms: 0.01 } }
const row = (n: number, from = 0): Place[] =>
  Array.from({ length: n }, (_, i) => ({ table: 'holding', address: from + i, size: 1 }))

interface Asked {
  readonly asked: string[]
  readonly served: Set<Place>
  readonly refused: Set<Place>
  readonly lessons: Lesson[]
}

/** Reads places of a device that answers as `answers` says: true, or the code of an exception. */
async function ask(
  places: readonly Place[],
  answers: (from: number, to: number) => true | number,
  l: Partial<ReadLimits> = {},
): Promise<Asked> {
  const found: Asked = { asked: [], served: new Set(), refused: new Set(), lessons: [] }
  const client: Pick<ModbusClient, 'read'> = {
    async read({ address, quantity }) {
      found.asked.push(`${address}+${quantity}`)
      const answer = answers(address, address + quantity)
      if (answer === true) return { kind: 'data', data: Buffer.alloc(quantity * 2) }
      return { kind: 'exception', code: answer }
    },
  }
  const sink = {
    data({ signals }: PlannedRead) {
      for (const s of signals) found.served.add(s)
    },
    exception({ signals }: PlannedRead) {
      for (const s of signals) found.refused.add(s)
    },
    lesson: (lesson: Lesson) => void found.lessons.push(lesson),
  }
  const reads = planReads(places, { ...limits, ...l })
  await readUnit(client, 1, reads, 1, sink, new AbortController().signal)
  return found
}
const without =
  (...illegal: number[]) =>
  (from: number, to: number) =>
    illegal.some((a) => from <= a && a < to) ? 2 : true

describe('readUnit', () => {
  it('finds one bad register among 125 in 15 requests, and reads all others', async () => {
    const places = row(125)
    const { asked, served, refused, lessons } = await ask(places, without(77))
    expect([...refused]).toEqual([places[77]])
    expect(served.size).toBe(124)
    expect(asked.length).toBeLessThanOrEqual(15)
    expect(lessons).toEqual([])
  })

  it('finds the hole that is not there', async () => {
    const places = [...row(3), ...row(3, 10), ...row(3, 20)]
    const { served, lessons } = await ask(places, without(15))
    expect(served.size).toBe(9)
    expect(lessons).toEqual([{ kind: 'span', span: { table: 'holding', from: 13, to: 20 } }])
  })

  it('finds a border inside the device', async () => {
    const { served, lessons } = await ask(row(100), (from, to) => (from < 60 && to > 60 ? 2 : true))
    expect(served.size).toBe(100)
    expect(lessons).toEqual([{ kind: 'span', span: { table: 'holding', from: 59, to: 61 } }])
  })

  it('finds how much the device answers at once', async () => {
    const { served, lessons, asked } = await ask(row(250), (from, to) => (to - from > 100 ? 3 : true))
    expect(served.size).toBe(250)
    expect(lessons).toEqual([{ kind: 'length', table: 'holding', quantity: 100 }])
    expect(asked.length).toBeLessThanOrEqual(15)
  })

  it.each([4, 6])('learns no length while the device answers exception %i', async (code) => {
    let asked = 0
    const { lessons } = await ask(row(100), (from, to) => {
      if (to - from > 60) return 3
      return ++asked > 3 && to - from > 50 ? code : true
    })
    expect(lessons).toEqual([])
  })

  it('reads what lies inside a place that is refused', async () => {
    const text: Place = { table: 'holding', address: 10, size: 8 }
    const inner = row(2, 12)
    const { served, refused } = await ask([text, ...inner], without(17))
    expect([...refused]).toEqual([text])
    expect([...served]).toEqual(inner)
  })

  it('refuses a group as a whole', async () => {
    const group = row(3).map((p) => ({ ...p, group: 1 }))
    const other = row(1, 3)
    const { served, refused } = await ask([...group, ...other], without(1))
    expect([...refused]).toEqual(group)
    expect([...served]).toEqual(other)
  })

  it('learns nothing from a refusal that does not come again', async () => {
    let first = true
    const { served, lessons } = await ask(row(10), () => {
      if (!first) return true
      first = false
      return 2
    })
    expect(served.size).toBe(10)
    expect(lessons).toEqual([])
  })

  it('brings exactly what the device gives, and plans by its lessons are refused no more', async () => {
    const place = fc.record({
      table: fc.constant('holding' as const),
      address: fc.integer({ min: 0, max: 200 }),
      size: fc.integer({ min: 1, max: 4 }),
    })
    const illegal = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 60 }), illegal, async (places, none) => {
        const answers = without(...none)
        const first = await ask(places, answers)
        const bad = places.filter((p) => answers(p.address, p.address + p.size) !== true)
        expect(first.refused).toEqual(new Set(bad))
        expect(first.served).toEqual(new Set(places.filter((p) => !bad.includes(p))))
        const uncrossable = [
          ...first.lessons.flatMap((l) => (l.kind === 'span' ? [l.span] : [])),
          ...bad.map((p) => ({ table: p.table, from: p.address, to: p.address + p.size })),
        ]
        const left = places.filter((p) => !bad.includes(p))
        const second = await ask(left, answers, { uncrossable })
        expect(second.served).toEqual(new Set(left))
        expect(second.lessons.filter((l) => l.kind === 'length')).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})
