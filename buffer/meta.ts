import { z } from 'zod'
import type { Db } from './database.ts'

interface Values {
  /** 8 random bytes; absent until the folder was opened once to the end */
  readonly stream_secret: Buffer
  /** random text made with the data folder */
  readonly instance: string
  /** `max_size` of the last start, bytes */
  readonly max_size: number
  /** `min_free` of the last start, bytes */
  readonly min_free: number
  /** factor of the pass that thins, and the position it has come to */
  readonly thin_factor: number
  readonly thin_position: number
  /** sequences below this were given out, even where no chunk says so any more */
  readonly floor_seq: number
  /** what a salvage found, as JSON, until the opening that follows has told of it */
  readonly salvage: string
}

const schemas: { readonly [K in keyof Values]: z.ZodType<Values[K]> } = {
  stream_secret: z.instanceof(Buffer),
  instance: z.string(),
  max_size: z.number(),
  min_free: z.number(),
  thin_factor: z.number(),
  thin_position: z.number(),
  floor_seq: z.number(),
  salvage: z.string(),
}

/** Single values of the data folder. */
export interface Meta {
  get<K extends keyof Values>(key: K): Values[K] | undefined
  set<K extends keyof Values>(key: K, value: Values[K]): void
  delete(key: keyof Values): void
}

export function makeMeta(db: Db): Meta {
  const get = db.prepare<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck()
  const set = db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
  const remove = db.prepare('DELETE FROM meta WHERE key = ?')
  return {
    get(key) {
      const value = get.get(key)
      return value === undefined ? undefined : schemas[key].parse(value)
    },
    set(key, value) {
      set.run(key, value)
    },
    delete(key) {
      remove.run(key)
    },
  }
}
