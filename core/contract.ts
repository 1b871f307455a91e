import { z } from 'zod'
import { byteSize, decimal, duration, name, unit, utcDate } from './option.ts'

/** Statistics of numbers over one window. */
export const STATISTICS = ['mean', 'min', 'max', 'std', 'last', 'share_true', 'share_false', 'rate', 'delta'] as const
export type Statistic = (typeof STATISTICS)[number]
/** Statistics of categories over one window. */
export const CATEGORY_STATISTICS = ['last', 'mode'] as const
export type CategoryStatistic = (typeof CATEGORY_STATISTICS)[number]

const numericColumn = z.strictObject({
  meaning: z.string().min(1).describe('what the column says, for the people who train on it'),
  type: z.enum(['float', 'double']).default('float').describe('Parquet type of the values'),
  unit: unit.describe('UCUM unit of the values'),
  stat: z
    .enum(STATISTICS)
    .describe(
      'statistic over the window: std is the standard deviation, share_true how much of it a bool was true, rate one count divided by another, delta what a counter counted',
    ),
  window: duration({ min: '1s' })
    .optional()
    .describe('window of this column where it is longer than the grid (streams only)'),
  range: z.tuple([decimal, decimal]).describe('widest range a plant may declare, in the unit'),
  step: decimal.describe('finest step a plant may publish, in the unit'),
  min_share: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of expected readings below which a cell counts as degraded'),
})

const categoryColumn = z.strictObject({
  meaning: z.string().min(1).describe('what the column says, for the people who train on it'),
  type: z.literal('category'),
  stat: z.enum(CATEGORY_STATISTICS).describe('the last value of the window, or the one that held most of it'),
  window: duration({ min: '1s' })
    .optional()
    .describe('window of this column where it is longer than the grid (streams only)'),
  vocabulary: z
    .array(z.string().min(1))
    .min(1)
    .refine((words) => new Set(words).size === words.length, { error: 'a word stands there twice' })
    .describe('the only values that may appear; of two that held equally long, mode is the one that stands first'),
  min_share: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of expected readings below which a cell counts as degraded'),
})

const columnName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'a column name is lower case letters, digits and "_"')
  .refine((text) => !/^(slot|asset|asset_class|window_s|q_.*)$/.test(text), {
    error: 'slot, asset, asset_class, window_s and names that begin with q_ are columns of every file already',
  })
const columns = z
  .record(columnName, z.union([numericColumn, categoryColumn]))
  .describe('columns by name, in the order they are written')

const dataset = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('stream').describe('one row an asset and slot'),
    grid: duration({ min: '1s', max: '1d' }).describe('length of a slot; slots are aligned to UTC midnight'),
    cadence: duration({ min: '1s', max: '1d' })
      .default(3_600_000)
      .describe('one batch is sealed for each of these spans'),
    size_class: byteSize({ min: '4KiB' }).default(65_536).describe('every batch file has exactly this size'),
    columns,
  }),
  z.strictObject({
    kind: z.literal('table').describe('training rows: one row an asset and window'),
    window: duration({ min: '1s', max: '1d' }).describe('the window of all columns'),
    cadence: duration({ min: '1s', max: '1d' })
      .default(3_600_000)
      .describe('one batch is sealed for each of these spans'),
    size_class: byteSize({ min: '4KiB' }).default(65_536).describe('every batch file has exactly this size'),
    columns,
  }),
])

/** The pool's contract: what every plant's rows mean. Published by the pool, pinned by hash in each policy. */
export const contractSchema = z.strictObject({
  version: z.literal(1),
  pool: name.describe('id of the pool'),
  epochs: z.array(utcDate).min(1).describe('UTC start dates, ascending; pseudonyms change at each'),
  asset_classes: z.array(z.string().min(1)).min(1).describe('the only asset classes that may appear'),
  grace: duration().default(30_000).describe('how long after its end a slot stays open for readings on their way'),
  max_wait: duration().default(600_000).describe('how long a silent source can hold a slot open'),
  datasets: z.record(name, dataset),
})

export type Contract = z.infer<typeof contractSchema>
export type ContractDataset = Contract['datasets'][string]
export type ContractColumn = ContractDataset['columns'][string]

/** Length of a slot: the grid of a stream, the window of a table. Milliseconds. */
export function slotMs(d: ContractDataset): number {
  return d.kind === 'stream' ? d.grid : d.window
}
