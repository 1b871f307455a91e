import { z } from 'zod'
import { decimal, duration, name, secret, utcDate } from '../core/option.ts'
import { microEpsilon } from './budget.ts'

/** How coarse a policy must be at least; the figures are in `profile.ts`. */
export const PROFILE_NAMES = ['strict', 'balanced', 'ml-stream'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

const signalRef = z
  .string()
  .regex(
    /^[^/{}\s]+\/[^/{}\s]+$|^\{(asset|place)\}\/[^/{}\s]+$/,
    'a signal is written "{asset}/name", "{place}/name" or "asset/name"',
  )

const rate = z.strictObject({
  of: signalRef.describe('the counter above the line, such as "{asset}/ng"'),
  over: signalRef.describe('the counter below the line, such as "{asset}/total"'),
  kind: z.literal('counter').describe('both signals count up; a step back is a reset (see `wrap`)'),
  floor: z.int().min(1).describe('a window in which the lower counter moved by less than this is suppressed'),
})

const epsilon = decimal.superRefine((text, ctx) => {
  if (microEpsilon(text) !== undefined) return
  const hint = 'write a number above 0 and at most 1000, with at most six decimal places'
  ctx.addIssue({ code: 'custom', message: `${text} cannot be counted as an epsilon`, params: { hint } })
})

const rule = z
  .strictObject({
    from: signalRef
      .optional()
      .describe('the signal, such as "{asset}/oil_temperature" or "{place}/humidity"; or `rate`'),
    rate: rate.optional().describe('one counter divided by another; or `from`'),
    range: z
      .tuple([decimal, decimal])
      .optional()
      .describe("lowest and highest value that leaves, in the contract's unit; not for categories"),
    step: decimal.optional().describe("width of the grid, in the contract's unit; not for categories"),
    wrap: decimal
      .optional()
      .describe(
        "where the counter (of a rate: both) begins at zero again, such as 65536 for 16 bits, in the contract's unit (of a rate: in counts); without it a step back is a reset, and counting goes on from zero",
      ),
    noise: z
      .strictObject({
        epsilon: epsilon.describe('how much a value may say of one reading or part; the less, the wider the noise'),
      })
      .optional()
      .describe('adds exact discrete Laplace noise; for mean, min, max, shares and rate'),
    accept_risk: z
      .string()
      .min(1)
      .optional()
      .describe('why this column may be finer than the profile allows; shown wherever the column is'),
  })
  .superRefine((r, ctx) => {
    if ((r.from === undefined) !== (r.rate === undefined)) return
    ctx.addIssue({
      code: 'custom',
      message: r.from === undefined ? 'the column has neither from nor rate' : 'the column has both from and rate',
      params: { hint: 'write `from: "{asset}/signal"`, or `rate:` for a column whose statistic is rate' },
    })
  })

const asset = z.strictObject({
  class: z.string().min(1).describe("one of the contract's asset classes"),
  place: name.optional().describe('the asset that "{place}" stands for, such as the hall'),
  cycle_time: duration({ min: '1ms' })
    .optional()
    .describe('time of one machine cycle; columns of states, shares and deltas need a longer window than this'),
})

const atMost = z.strictObject({ max: z.number().min(0).max(1).describe('highest figure that is accepted') })
const atLeast = z.strictObject({ min: z.number().min(0).max(1).describe('lowest figure that is accepted') })
const expected = z.strictObject({
  trace_linkage: atMost
    .optional()
    .describe('share of machine days that the holder of a shift of their raw readings finds again'),
  traffic_auc: atMost
    .optional()
    .describe('how well size and moment of batches tell busy hours from quiet ones; 0.5: not at all, 1: always'),
  volume_exact: atMost.optional().describe('share of windows whose exact number of parts their rate gives away'),
  correlation_shift: atMost.optional().describe('how far a correlation between two columns moves, at most'),
  coverage: atLeast.optional().describe('share of cells with a rule that are there'),
})

/** The data steward's file: what leaves the plant, and how coarse. What no rule names stays inside. */
export const policySchema = z.strictObject({
  version: z.literal(1).describe('version of this file format'),
  pool: name.describe('id of the pool; must be the pool that names this file'),
  contract: z
    .strictObject({
      file: z.string().min(1).describe("path of the pool's contract, relative to this file"),
      sha256: z
        .string()
        .regex(/^[0-9a-fA-F]{64}$/, 'expected a SHA-256 in hex (64 characters)')
        .describe('SHA-256 of the contract file, in hex; a changed contract is refused until this is changed too'),
    })
    .describe('the contract that this policy was written against'),
  profile: z.enum(PROFILE_NAMES).default('balanced').describe('how coarse every column must be at least'),
  expires: utcDate.describe('last day (UTC) on which anything is sealed'),
  plant_key: secret.describe(
    'key of the pseudonyms: one line, base64 of 32 bytes, the same on all gateways of a plant',
  ),
  assets: z
    .record(name, asset.describe('one machine or place with a row in every slot'))
    .describe('the assets that have rows, and no others'),
  expect: expected
    .optional()
    .describe('what attacks on recent readings must show: `sluice policy check --bench` fails where they do not'),
  datasets: z
    .record(
      name,
      z.record(z.string(), rule.describe('where a column of the contract comes from, and how coarse it is')),
    )
    .describe('rules by dataset and column of the contract; columns without a rule are null'),
  budget: z
    .strictObject({
      window: duration({ min: '1m', max: '31d' }).describe('any span as long as this counts'),
      epsilon: epsilon.describe('what all columns with noise together may say of one signal in such a span'),
    })
    .optional()
    .describe(
      'limits noise that is drawn again and again; once it is spent, noised columns are null until it is there again',
    ),
})

export type Policy = z.infer<typeof policySchema>
export type Rule = Policy['datasets'][string][string]
