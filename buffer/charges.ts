import type { Charge, NoiseEntry, NoiseState } from '../core/noise.ts'
import type { Db } from './database.ts'

/** What the noise of the pools was charged with (README, "Noise is drawn once"). Callers bring the transaction. */
export interface Charges {
  /** Adds charges, and forgets those before `counted_from`. */
  add(pool: number, entry: NoiseEntry): void
  /** What windows were charged with that start before `until` is not known any more. */
  lose(pool: number, until: number): void
  /** @param drawn_until by the high-water file */
  state(pool: number, drawn_until: NoiseState['drawn_until'] | undefined): NoiseState
}

export function makeCharges(db: Db): Charges {
  const add = db.prepare(
    'INSERT INTO charge VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET micro = micro + excluded.micro',
  )
  const forget = db.prepare('DELETE FROM charge WHERE pool = ? AND start < ?')
  const count = db.prepare('UPDATE pool SET counted_from = max(ifnull(counted_from, $from), $from) WHERE id = $pool')
  const all = db.prepare<[number], Charge>('SELECT signal, start, micro FROM charge WHERE pool = ? ORDER BY start')
  const from = db.prepare<[number], number | null>('SELECT counted_from FROM pool WHERE id = ?').pluck()

  function lose(pool: number, until: number): void {
    forget.run(pool, until)
    count.run({ pool, from: until })
  }

  return {
    add(pool, { charges, counted_from }) {
      for (const { signal, start, micro } of charges) add.run(pool, start, signal, micro)
      lose(pool, counted_from)
    },
    lose,
    state: (pool, drawn_until = {}) => ({ charges: all.all(pool), counted_from: from.get(pool) ?? null, drawn_until }),
  }
}
