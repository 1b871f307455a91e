import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { canonicalJson } from '../core/encoding.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import { makeBlockBuilder } from '../core/reading-block.ts'
import type { Disclosed, DisclosedColumn } from '../privacy/disclosed.ts'
import { ASSETS, makeDisclosed, makeSealInput, SLOT, START, streamColumns } from '../test/support/sealing.ts'
import { batchIdOf, manifestSchema } from './manifest.ts'
import { decodeParquet } from './parquet.ts'
import { seal } from './seal.ts'
import { sha256Of, verifyBatch } from './signature.ts'

describe('seal', () => {
  it('makes a file of exactly its size class that reads back as disclosed', () => {
    const input = makeSealInput()
    const batch = seal(input)
    const file = decodeParquet(batch.bytes)
    expect(batch.bytes).toHaveLength(16_384)
    expect(file.createdBy).toBe('sluice')
    expect(file.columns.map((c) => c.element.name)).toEqual([
      'slot',
      'asset',
      'asset_class',
      'oil_temperature',
      'q_oil_temperature',
      'pressure',
      'q_pressure',
      'state',
      'q_state',
    ])
    expect(file.columns[0]!.cells).toEqual([...input.disclosed.slots])
    expect(file.columns[1]!.cells).toEqual(input.disclosed.assets)
    expect(file.columns[5]!.cells).toEqual(input.disclosed.columns[1]!.values)
    expect(file.columns[7]!.cells).toEqual([null, 'run', '정지', 'run', '정지', 'run'])
    expect(file.columns[8]!.cells).toEqual([2, 0, 0, 0, 0, 0])
  })

  it('says in the manifest what the cells say', () => {
    const input = makeSealInput()
    const batch = seal(input)
    const text = decodeParquet(batch.bytes).manifest!
    const manifest = manifestSchema.parse(JSON.parse(text))
    expect(canonicalJson(JSON.parse(text))).toBe(text)
    expect(manifest).toMatchObject({ batch_id: batch.id, rows: 6, seq: 7, contract: input.contract })
    expect(manifest.columns[0]).toEqual({
      name: 'oil_temperature',
      unit: 'Cel',
      stat: 'mean',
      window_s: 60,
      range: ['0', '120'],
      step: '1.2',
      noise: null,
      coverage: 5 / 6,
    })
    expect(manifest.columns[2]).toMatchObject({ name: 'state', unit: null, range: null, step: null })
    const { pool, dataset, contributor, stream, epoch, seq } = manifest
    expect(batchIdOf({ pool, dataset, contributor, stream, epoch, seq })).toBe(batch.id)
  })

  it('signs the bytes', () => {
    const { pool, bytes, sha256, key, signature } = seal(makeSealInput())
    expect(sha256).toBe(sha256Of(bytes))
    expect(verifyBatch({ pool, sha256, key, signature })).toBe(true)
  })

  it('makes the same bytes of the same rows', () => {
    const input = makeSealInput()
    expect(seal(input).sha256).toBe(seal(input).sha256)
  })

  it('gives tables their window as a column', () => {
    const disclosed = makeDisclosed(3, { kind: 'table', window_s: 600 })
    const column = decodeParquet(seal(makeSealInput({ disclosed })).bytes).columns[3]!
    expect(column.element.name).toBe('window_s')
    expect(column.cells).toEqual(Array(6).fill(600))
  })

  it.each([
    { name: 'rows that do not fit', input: () => makeSealInput({ size_class: 2_048 }) },
    { name: 'not a number', input: () => withCells([Number.NaN]) },
    { name: 'an infinity', input: () => withCells([Number.POSITIVE_INFINITY]) },
    { name: 'more than a FLOAT holds', input: () => withCells([1e39]) },
    { name: 'a column that is too short', input: () => withCells([1], 2) },
  ])('refuses $name', ({ input }) => {
    expect(() => seal(input())).toThrow(expect.objectContaining({ code: 'seal-failed' }))
  })

  it('does not take raw readings', () => {
    const raw: ReadingBlock = makeBlockBuilder().take(unixMs(0))
    // @ts-expect-error only the disclosure step makes what can be sealed
    expect(() => seal(makeSealInput({ disclosed: raw }))).toThrow()
  })
})

describe('padding', () => {
  // Around 2^14 bytes of manifest its length takes a third byte, and one size has no pad of its own.
  it('fills every size exactly, also where the length of the manifest grows by a byte', () => {
    const input = makeSealInput({ disclosed: makeDisclosed(1) })
    const manifest = decodeParquet(seal(input).bytes).manifest!
    const edge = 16_384 + 16_384 - Buffer.byteLength(manifest)
    for (let size = edge - 8; size <= edge + 8; size++)
      expect(seal({ ...input, size_class: size }).bytes).toHaveLength(size)
  })

  it('fills any size that holds the rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 6_000, max: 70_000 }), fc.integer({ min: 1, max: 4 }), (size, slots) => {
        const bytes = seal(makeSealInput({ disclosed: makeDisclosed(slots), size_class: size })).bytes
        return bytes.length === size
      }),
      { numRuns: 25 },
    )
  })
})

describe('any disclosed rows', () => {
  const cell = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { freq: 5 })
  const column = fc.oneof(
    fc.record({ kind: fc.constant('double' as const), cells: fc.array(cell, { minLength: 40, maxLength: 40 }) }),
    fc.record({
      kind: fc.constant('float' as const),
      cells: fc.array(fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })), { minLength: 40, maxLength: 40 }),
    }),
    fc.record({
      kind: fc.constant('category' as const),
      cells: fc.array(fc.option(fc.string({ minLength: 1, unit: 'grapheme' })), { minLength: 40, maxLength: 40 }),
    }),
  )

  it('read back as they were', () => {
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.uint8Array({ minLength: 40, maxLength: 40, max: 3 }),
        (columns, rows, marks) => {
          const disclosed = {
            ...makeDisclosed(),
            slots: Float64Array.from({ length: rows }, (_, i) => START + i * SLOT),
            assets: Array.from({ length: rows }, () => ASSETS[0]!),
            asset_classes: Array.from({ length: rows }, () => 'press.hydraulic'),
            columns: columns.map(({ kind, cells }, i): DisclosedColumn => {
              const base = { name: `c${i}`, stat: 'mean', window_s: 60, q: marks.slice(0, rows) }
              const values = cells.slice(0, rows)
              return kind === 'category'
                ? { ...base, kind, vocabulary: [], values: values as (string | null)[] }
                : {
                    ...base,
                    kind: 'number',
                    type: kind,
                    unit: '1',
                    range: ['0', '1'],
                    step: '0.1',
                    noise: null,
                    values: values as (number | null)[],
                  }
            }),
          } as Disclosed
          // seal compares every cell itself and throws where one differs.
          return seal(makeSealInput({ disclosed, size_class: 65_536 })).bytes.length === 65_536
        },
      ),
      { numRuns: 40 },
    )
  })

  it('fit where nothing can be compressed', () => {
    const slots = 30
    const rows = slots * ASSETS.length
    const noise = Array.from(new Float64Array(randomBytes(rows * 8).buffer.slice(0, rows * 8)), (v) =>
      Number.isFinite(v) ? v : 0,
    )
    const disclosed = makeDisclosed(slots, {
      columns: Array.from({ length: 10 }, (_, i) => ({
        ...streamColumns(rows)[1]!,
        name: `c${i}`,
        values: noise,
      })) as readonly DisclosedColumn[],
    })
    expect(seal(makeSealInput({ disclosed })).bytes).toHaveLength(16_384)
  })
})

function withCells(values: readonly number[], rows = values.length): ReturnType<typeof makeSealInput> {
  const slots = Float64Array.from({ length: rows }, (_, i) => START + i * SLOT)
  const [first] = streamColumns(rows)
  return makeSealInput({
    disclosed: makeDisclosed(1, {
      slots,
      assets: [...slots].map(() => ASSETS[0]!),
      asset_classes: [...slots].map(() => 'press.hydraulic'),
      columns: [{ ...first!, values } as DisclosedColumn],
    }),
  })
}
