import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contractSchema } from '../core/contract.ts'
import { secret } from '../core/option.ts'
import { editDistance, nearest } from './nearest.ts'
import { configSchema } from './schema.ts'
import { validate } from './validate.ts'

const said = (schema: z.ZodType, value: unknown): readonly string[] => {
  const checked = validate(schema, value)
  return checked.ok ? [] : checked.problems.map((p) => `${p.path.join('.')}: ${p.message} | ${p.hint ?? ''}`)
}

describe('validate', () => {
  const dataset = {
    version: 1,
    pool: 'p',
    epochs: ['2026-01-01'],
    asset_classes: ['press'],
    datasets: { d: { kind: 'table', window: '1h', columns: { c: {} as object } } },
  }
  const column = (c: object) => ({ ...dataset, datasets: { d: { ...dataset.datasets.d, columns: { c } } } })

  it.each<[string, object, string]>([
    ['a category', { meaning: 'm', type: 'category', stat: 'last' }, 'datasets.d.columns.c: "vocabulary" is missing'],
    [
      'a number',
      { meaning: 'm', unit: 'Cel', stat: 'median', range: [0, 1], step: 1 },
      'datasets.d.columns.c.stat: "median" is not one of the options',
    ],
  ])('reports the branch of a union that was meant: %s', (_, c, expected) => {
    expect(said(contractSchema, column(c)).map((s) => s.split(' | ')[0])).toEqual([expected])
  })

  it.each<[z.ZodType, unknown, string]>([
    [z.string(), 5, ': expected text, got the number 5 | put it in quotes: "5"'],
    [z.union([z.number(), z.boolean()]), 'x', ': expected a number or true or false, got text "x" | '],
    [z.array(z.string()).min(1), [], ': too few entries | write at least 1'],
    [z.string().max(3), 'abcd', ': the text is too long | write at most 3 characters'],
    [z.number().multipleOf(5), 7, ': the number 7 is not a multiple of 5 | '],
    [z.tuple([z.number(), z.number()]), [1, 2, 3], ': too many entries | write at most 2'],
    [z.boolean(), 'yes', ': expected true or false, got text "yes" | write true or false, without quotes'],
    [
      z.strictObject({ t: secret }),
      { t: 5 },
      't: expected a secret: { file: path } or { env: NAME }, got the number 5 | ',
    ],
  ])('says it in words: %#', (schema, value, expected) => {
    expect(said(schema, value)).toEqual([expected])
  })

  it('says something of its own about whatever is written', () => {
    const key = fc.constantFrom(
      'version',
      'gateway',
      'name',
      'sources',
      'kind',
      'devices',
      'signals',
      'subscriptions',
      'pools',
      'url',
      'buffer',
      'a',
      'modbus',
      'mqtt',
    )
    const leaf = fc.oneof(key, fc.integer(), fc.boolean(), fc.constant(null), fc.double())
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 6 }, leaf, fc.dictionary(key, tie('tree')), fc.array(tie('tree'), { maxLength: 3 })),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        const checked = validate(configSchema, value)
        if (checked.ok) return
        for (const { message, hint } of checked.problems) {
          expect(message).not.toBe('')
          expect(`${message} ${hint}`).not.toMatch(/Invalid|\bZod|received|discriminator|undefined is|\[object/)
        }
      }),
    )
  })
})

describe('nearest', () => {
  it.each([
    ['perod', 'period'],
    ['Period', 'period'],
    ['preiod', 'period'],
    ['byteorder', 'byte_order'],
    ['xyz', undefined],
  ])('%s → %s', (written, meant) => {
    expect(nearest(written, ['period', 'byte_order', 'host'])).toBe(meant)
  })

  it('is a distance', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b) === 0).toBe(a === b)
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})
