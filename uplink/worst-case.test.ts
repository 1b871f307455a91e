import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base32hex } from '../core/encoding.ts'
import type { DisclosedColumn } from '../privacy/disclosed.ts'
import { worstCaseBytes } from '../privacy/size.ts'
import { makeDisclosed, makeSealInput, SLOT, START } from '../test/support/sealing.ts'
import { seal } from './seal.ts'

/** The policy's compiler promises that a size class holds the worst case; this is the sealer keeping the promise. */
describe('the worst case of the size', () => {
  const shape = fc.record({
    kind: fc.constantFrom('stream' as const, 'table' as const),
    slots: fc.integer({ min: 1, max: 60 }),
    assets: fc.integer({ min: 1, max: 20 }),
    columns: fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z][a-z0-9_]{0,62}$/),
        type: fc.constantFrom('float' as const, 'double' as const, 'category' as const),
        words: fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), {
          minLength: 1,
          maxLength: 9,
        }),
        noised: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12, selector: (column) => column.name },
    ),
  })

  it('holds rows that cannot be compressed', () => {
    fc.assert(
      fc.property(shape, ({ kind, slots, assets, columns }) => {
        const rows = slots * assets
        const ids = Array.from({ length: assets }, () => base32hex(randomBytes(16))).sort()
        const classes = ids.map((_, i) => `class.${i}`)
        const disclosed = makeDisclosed(1, {
          kind,
          slots: Float64Array.from({ length: rows }, (_, i) => START + Math.floor(i / assets) * SLOT),
          assets: Array.from({ length: rows }, (_, i) => ids[i % assets]!),
          asset_classes: Array.from({ length: rows }, (_, i) => classes[i % assets]!),
          columns: columns.map((c) => incompressible(c, rows)),
        })
        const dataset = {
          name: disclosed.dataset,
          kind,
          slot: SLOT,
          cadence: SLOT * slots,
          columns: columns.map(({ name, type, words }) =>
            type === 'category'
              ? ({ kind: 'category', name, vocabulary: words } as const)
              : ({
                  kind: 'number',
                  name,
                  type,
                  unit: 'kW.h{reactive}',
                  range: ['-1000000', '1000000'],
                  step: '0.000001',
                } as const),
          ),
        } as unknown as Parameters<typeof worstCaseBytes>[0]
        const size_class = worstCaseBytes(
          dataset,
          classes.map((name) => ({ class: name })),
        )
        expect(seal(makeSealInput({ disclosed, size_class })).bytes).toHaveLength(size_class)
      }),
      { numRuns: 60 },
    )
  })

  function incompressible(
    {
      name,
      type,
      words,
      noised,
    }: { name: string; type: 'float' | 'double' | 'category'; words: string[]; noised: boolean },
    rows: number,
  ): DisclosedColumn {
    const random = randomBytes(rows * 8)
    const q = Uint8Array.from(randomBytes(rows), (b) => b & 3)
    const base = { name, stat: 'share_false', window_s: 86_400, q }
    const pick = <T>(value: (i: number) => T): (T | null)[] =>
      Array.from(q, (mark, i) => (mark === 2 ? null : value(i)))
    if (type === 'category')
      return {
        ...base,
        kind: 'category',
        vocabulary: words,
        values: pick((i) => words[(random[i]! * 7 + i) % words.length]!),
      }
    const noise = {
      mechanism: 'discrete-laplace',
      scale: '123456789/1000000',
      sensitivity: 1_000_000,
      epsilon: '0.0001',
      unit: 'one part',
    } as const
    const value = (i: number): number => {
      const v = type === 'float' ? random.readFloatLE(i * 8) : random.readDoubleLE(i * 8)
      return Number.isFinite(v) ? v : i
    }
    return {
      ...base,
      kind: 'number',
      type,
      unit: 'kW.h{reactive}',
      range: ['-1000000', '1000000'],
      step: '0.000001',
      noise: noised ? noise : null,
      values: pick(value),
    }
  }
})
