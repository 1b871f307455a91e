import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encode } from 'cbor2'
import type { Disclosed } from '../privacy/disclosed.ts'
import { decodeParquet } from '../uplink/parquet.ts'

/** Bytes of one batch: the sealed file without its padding, and the same cells and marks in other formats. */
export interface WireSizes {
  readonly unpadded: number
  readonly json_gzip: number
  readonly senml_zstd: number
  readonly line_gzip: number
}

/** Compression at the libraries' own defaults. @param sealed the file of these rows */
export function wireSizes(disclosed: Disclosed, sealed: Uint8Array): WireSizes {
  const { manifest } = decodeParquet(sealed)
  const pad = (JSON.parse(manifest!) as { readonly pad: string }).pad.length
  return {
    unpadded: sealed.length - pad,
    json_gzip: gzipSync(json(disclosed)).length,
    senml_zstd: zstdCompressSync(senml(disclosed)).length,
    line_gzip: gzipSync(lines(disclosed)).length,
  }
}

type Fields = readonly (readonly [name: string, value: number | string | null, unit: string | undefined])[]

function rowsOf({ slots, assets, columns }: Disclosed): readonly { slot: number; asset: string; fields: Fields }[] {
  return assets.map((asset, i) => ({
    slot: slots[i]!,
    asset,
    fields: columns.flatMap(
      (column): Fields => [
        [column.name, column.values[i]!, column.kind === 'number' ? column.unit : undefined],
        [`q_${column.name}`, column.q[i]!, undefined],
      ],
    ),
  }))
}

/** One object a row. */
function json(disclosed: Disclosed): string {
  return rowsOf(disclosed)
    .map(({ slot, asset, fields }) => JSON.stringify({ slot, asset, ...Object.fromEntries(fields) }))
    .join('\n')
}

/** RFC 8428, section 6: base name and time once a row, then a record a field; nulls are absent. */
function senml(disclosed: Disclosed): Uint8Array {
  const [BASE_NAME, BASE_TIME, NAME, UNIT, VALUE, TEXT] = [-2, -3, 0, 1, 2, 3]
  return encode(
    rowsOf(disclosed).flatMap(({ slot, asset, fields }) =>
      fields
        .filter(([, value]) => value !== null)
        .map(([name, value, unit], i) => {
          const record = new Map<number, number | string>()
          if (i === 0) record.set(BASE_NAME, `${asset}/`).set(BASE_TIME, slot / 1_000)
          record.set(NAME, name)
          if (unit !== undefined) record.set(UNIT, unit)
          return record.set(typeof value === 'string' ? TEXT : VALUE, value!)
        }),
    ),
  )
}

/** InfluxDB line protocol; nulls are absent. */
function lines(disclosed: Disclosed): string {
  return rowsOf(disclosed)
    .map(({ slot, asset, fields }) => {
      const set = fields.flatMap(([name, value]) =>
        value === null
          ? []
          : [
              `${name}=${typeof value === 'string' ? JSON.stringify(value) : name.startsWith('q_') ? `${value}i` : value}`,
            ],
      )
      return `${disclosed.dataset},asset=${asset} ${set.join(',')} ${slot}000000`
    })
    .join('\n')
}
