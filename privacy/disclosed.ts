import type { Brand, UnixMs } from '../core/brand.ts'

/** Cell marks of a `q_` column. Several at once: missing before clipped before degraded. */
export const Q_OK = 0
export const Q_DEGRADED = 1
export const Q_MISSING = 2
export const Q_CLIPPED = 3

/** Declared noise of a column (PRIVACY.md, Noise), or null. */
export interface NoiseDeclaration {
  readonly mechanism: 'discrete-laplace'
  /** steps, as a whole number or a fraction of two */
  readonly scale: string
  /** steps */
  readonly sensitivity: number
  readonly epsilon: string
  /** unit of privacy */
  readonly unit: string
}

interface ColumnBase {
  readonly name: string
  readonly stat: string
  /** seconds */
  readonly window_s: number
  /** one mark a row */
  readonly q: Uint8Array
}

/** A column of disclosed cells, one a row. Bounds and step are decimal text in the contract's unit. */
export type DisclosedColumn =
  | (ColumnBase & {
      readonly kind: 'number'
      readonly type: 'float' | 'double'
      readonly unit: string
      readonly range: readonly [string, string]
      readonly step: string
      readonly noise: NoiseDeclaration | null
      /** L + k·step in the contract's unit, or null */
      readonly values: readonly (number | null)[]
    })
  | (ColumnBase & {
      readonly kind: 'category'
      readonly vocabulary: readonly string[]
      readonly values: readonly (string | null)[]
    })

/** Rows as the disclosure step computes them: one cadence period of one dataset. */
export interface DisclosedRows {
  readonly dataset: string
  readonly kind: 'stream' | 'table'
  /** index into the contract's epochs */
  readonly epoch: number
  /** first slot's start and last slot's end */
  readonly from: UnixMs
  readonly until: UnixMs
  /** seconds; tables carry it as a column */
  readonly window_s: number
  readonly slots: Float64Array
  /** pseudonyms */
  readonly assets: readonly string[]
  readonly asset_classes: readonly string[]
  readonly columns: readonly DisclosedColumn[]
}

/**
 * Rows that may leave: dense (every listed asset, every slot), sorted by (slot, pseudonym). Only the disclosure step
 * makes this type, and only this type can be sealed.
 */
export type Disclosed = Brand<DisclosedRows, 'Disclosed'>
