import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SealedBatch } from '../../core/batch.ts'
import { unixMs } from '../../core/brand.ts'
import { type Disclosed, type DisclosedColumn, Q_MISSING, Q_OK } from '../../privacy/disclosed.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'
import { newSigningKey, parseSigningKey, type SigningKey } from '../../uplink/signature.ts'

/** A pool, a plant with an account there, and rows that could have been disclosed: for tests of sealing and receiving. */

export const POOL = 'test-pool'
export const SLOT = 60_000
export const START = Date.parse('2026-11-24T04:00:00Z')
export const ASSETS = ['0A', '1B'].map((id) => id.padEnd(26, '7'))
export const CONTRIBUTOR = 'C'.repeat(26)
export const STREAM = 'S5T'.padEnd(13, '0')

export const CONTRACT_YAML = `version: 1
pool: ${POOL}
epochs: [2026-01-01, 2027-01-01]
asset_classes: [press.hydraulic]
datasets:
  press-stream:
    kind: stream
    grid: 1m
    size_class: 16KiB
    columns:
      oil_temperature: { meaning: oil, unit: Cel, stat: mean, range: [0, 120], step: 0.1 }
      pressure: { meaning: pressure, type: double, unit: bar, stat: max, range: [0, 400], step: 0.5 }
      state: { meaning: state, type: category, stat: last, vocabulary: [run, idle, 정지] }
  press-table:
    kind: table
    window: 10m
    size_class: 8KiB
    columns:
      oil_temperature: { meaning: oil, unit: Cel, stat: mean, range: [0, 120], step: 0.1 }
`
export const CONTRACT_SHA256 = createHash('sha256').update(CONTRACT_YAML).digest('hex')

const number = { kind: 'number', window_s: 60, noise: null } as const

/** Columns of `press-stream` for `rows` rows; the first cell of each is missing. */
export function streamColumns(rows: number): readonly DisclosedColumn[] {
  const cells = <T>(cell: (i: number) => T): (T | null)[] =>
    Array.from({ length: rows }, (_, i) => (i === 0 ? null : cell(i)))
  const q = (): Uint8Array => Uint8Array.from({ length: rows }, (_, i) => (i === 0 ? Q_MISSING : Q_OK))
  return [
    {
      ...number,
      name: 'oil_temperature',
      type: 'float',
      unit: 'Cel',
      stat: 'mean',
      range: ['0', '120'],
      step: '1.2',
      q: q(),
      values: cells((i) => ((i % 100) * 12) / 10),
    },
    {
      ...number,
      name: 'pressure',
      type: 'double',
      unit: 'bar',
      stat: 'max',
      range: ['0', '400'],
      step: '0.5',
      q: q(),
      values: cells((i) => (i % 800) / 2),
    },
    {
      kind: 'category',
      name: 'state',
      stat: 'last',
      window_s: 60,
      vocabulary: ['run', 'idle', '정지'],
      q: q(),
      values: cells((i) => (i % 2 ? 'run' : '정지')),
    },
  ]
}

/** Rows of `press-stream`: `slots` slots of both assets. The cast is what only the disclosure step does otherwise. */
export function makeDisclosed(slots = 3, changes: Partial<Disclosed> = {}): Disclosed {
  const rows = slots * ASSETS.length
  return {
    dataset: 'press-stream',
    kind: 'stream',
    epoch: 0,
    from: unixMs(START),
    until: unixMs(START + slots * SLOT),
    window_s: 60,
    slots: Float64Array.from({ length: rows }, (_, i) => START + Math.floor(i / ASSETS.length) * SLOT),
    assets: Array.from({ length: rows }, (_, i) => ASSETS[i % ASSETS.length]!),
    asset_classes: Array.from({ length: rows }, () => 'press.hydraulic'),
    columns: streamColumns(rows),
    ...changes,
  } as Disclosed
}

export function makeSealInput(changes: Partial<SealInput> = {}): SealInput {
  return {
    disclosed: makeDisclosed(),
    pool: POOL,
    contributor: CONTRIBUTOR,
    stream: STREAM,
    seq: 7,
    contract: { id: POOL, sha256: CONTRACT_SHA256 },
    policy: 'ab'.repeat(32),
    size_class: 16_384,
    signing: newKey(),
    ...changes,
  }
}

export function newKey(): SigningKey {
  return parseSigningKey(newSigningKey())
}

/** What was not sealed here: the same batch with changed bytes, signed again. */
export function sealed(changes: Partial<SealInput> = {}): SealedBatch {
  return seal(makeSealInput(changes))
}

/** Writes the files of a receiver into a folder. @returns its configuration file and the key of its receipts */
export function writeReceiverFiles(
  folder: string,
  contributors: Readonly<Record<string, string>>,
  options: {
    readonly state?: 'closed'
    readonly listen?: string
    readonly former_keys?: Readonly<Record<string, string[]>>
  } = {},
): { readonly config: string; readonly receipt_key: string } {
  mkdirSync(folder, { recursive: true })
  const text = newSigningKey()
  writeFileSync(join(folder, 'receipt.key'), `${text}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'contract.yaml'), CONTRACT_YAML)
  const accounts = Object.entries(contributors).map(([account, key]) => `      ${account}: "${key}"\n`)
  const { former_keys } = options
  const former = former_keys ? `    former_keys: ${JSON.stringify(former_keys)}\n` : ''
  const config = join(folder, 'pool.yaml')
  writeFileSync(
    config,
    `version: 1
${options.listen ?? 'listen: { port: 0 }'}
data_dir: data
receipt_key: { file: receipt.key }
pools:
  ${POOL}:
    contract: contract.yaml
    state: ${options.state ?? 'open'}
    contributors:
${accounts.join('')}${former}`,
  )
  return { config, receipt_key: parseSigningKey(text).id }
}

/** Rows of `press-stream` with another first column. */
export function rowsWith(changes: object): Disclosed {
  const [first, ...rest] = streamColumns(6)
  return makeDisclosed(3, { columns: [{ ...first!, ...changes } as DisclosedColumn, ...rest] })
}

/** Rows of `press-stream` with another last column, a category. */
export function lastColumn(changes: object): Disclosed {
  const columns = streamColumns(6)
  return makeDisclosed(3, { columns: [...columns.slice(0, 2), { ...columns[2]!, ...changes } as DisclosedColumn] })
}

/** Rows of `press-table`. */
export function tableRows(changes: Partial<Disclosed> = {}): Disclosed {
  const slots = Float64Array.from({ length: 6 }, (_, i) => START + Math.floor(i / 2) * 10 * SLOT)
  const columns = [{ ...streamColumns(6)[0]!, window_s: 600 }]
  return makeDisclosed(3, {
    dataset: 'press-table',
    kind: 'table',
    window_s: 600,
    until: unixMs(START + 30 * SLOT),
    slots,
    columns,
    ...changes,
  })
}
