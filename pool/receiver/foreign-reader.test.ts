import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { type Disclosed, Q_MISSING } from '../../privacy/disclosed.ts'
import { put, startReceiver } from '../../test/support/receiver.ts'
import { ASSETS, makeDisclosed, makeSealInput, newKey, tableRows } from '../../test/support/sealing.ts'
import { seal } from '../../uplink/seal.ts'

describe('the lake, read by DuckDB', () => {
  it('has the rows of every plant with their types, times, marks and nulls', async () => {
    const [plant, other] = [newKey(), newKey()]
    await using pool = await startReceiver({ plant: plant.id, other: other.id })
    const full = makeDisclosed()
    const one = makeSealInput({ signing: plant, disclosed: full })
    const fewer = { ...full, columns: full.columns.slice(0, 2) }
    const two = makeSealInput({ signing: other, contributor: 'D'.repeat(26), disclosed: fewer })
    const empty = makeSealInput({ signing: plant, seq: 8, disclosed: nothing(makeDisclosed(4)) })
    const table = makeSealInput({ signing: plant, disclosed: tableRows(), size_class: 8_192 })
    for (const input of [one, two, empty, table]) expect((await put(pool.url, seal(input))).status).toBe(201)

    const db = await (await DuckDBInstance.create()).connect()
    const query = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
      (await db.runAndReadAll(sql)).getRowObjectsJson()
    await db.run("set timezone = 'UTC'")
    await db.run(
      `create view lake as from read_parquet('${join(pool.data, 'lake/**/*.parquet')}', union_by_name = true, filename = true)`,
    )
    const types = await query("select column_name, column_type from (describe lake) where column_name <> 'filename'")
    expect(Object.fromEntries(types.map((t) => [t.column_name, t.column_type]))).toEqual({
      slot: 'TIMESTAMP WITH TIME ZONE',
      asset: 'VARCHAR',
      asset_class: 'VARCHAR',
      window_s: 'INTEGER',
      oil_temperature: 'FLOAT',
      q_oil_temperature: 'UTINYINT',
      pressure: 'DOUBLE',
      q_pressure: 'UTINYINT',
      state: 'VARCHAR',
      q_state: 'UTINYINT',
    })
    expect(
      await query('select count(*)::int as n, count(state)::int as states, count(window_s)::int as windows from lake'),
    ).toEqual([{ n: 26, states: 5, windows: 6 }])
    const rows = await query(
      `select slot::varchar as slot, asset, oil_temperature as t, q_oil_temperature as q, pressure as p, state
       from lake where filename like '%press-stream%' and q_state is not null and slot < '2026-11-24 05:00:00+00' order by lake.slot, asset limit 3`,
    )
    expect(rows).toEqual([
      { slot: '2026-11-24 04:00:00+00', asset: ASSETS[0], t: null, q: 2, p: null, state: null },
      { slot: '2026-11-24 04:00:00+00', asset: ASSETS[1], t: expect.closeTo(1.2, 6), q: 0, p: 0.5, state: 'run' },
      { slot: '2026-11-24 04:01:00+00', asset: ASSETS[0], t: expect.closeTo(2.4, 6), q: 0, p: 1, state: '정지' },
    ])
    const manifests = await query(
      `select decode(value)::json->>'dataset' as dataset from parquet_kv_metadata('${join(pool.data, 'lake/**/*.parquet')}')
       where decode(key) = 'pool.manifest' order by 1`,
    )
    expect(manifests.map((m) => m.dataset)).toEqual(['press-stream', 'press-stream', 'press-stream', 'press-table'])
    db.closeSync()
  })
})

/** The same slots an hour later, with every cell missing. */
function nothing(disclosed: Disclosed): Disclosed {
  const columns = disclosed.columns.map((column) => ({
    ...column,
    q: column.q.map(() => Q_MISSING),
    values: column.values.map(() => null),
  }))
  return { ...disclosed, slots: disclosed.slots.map((slot) => slot + 3_600_000), columns }
}
