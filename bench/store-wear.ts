import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Store } from '../buffer/port.ts'
import { openStore } from '../buffer/store.ts'
import { unixMs } from '../core/brand.ts'
import { silentLog } from '../core/log.ts'
import { type ReadingBlock, valueAt } from '../core/reading-block.ts'
import { makePlantReadings } from './plant-readings.ts'

/**
 * One way of keeping readings, in a process of its own, so that what the process caused to be written is that way's:
 * `store-wear.ts WAY FOLDER COMMITS SECONDS BYTES`. A commit holds SECONDS of a plant with 1,000 signals at 1 s. Prints
 * `{readings, written, file}`; bytes, `written` to the disk with WAL and checkpoints, `file` what stays. What is written once,
 * when the file is made, is not among them.
 */
const [way = '', folder = '', ...numbers] = process.argv.slice(2)
const [commits = 0, seconds = 1, bytes = 0] = numbers.map(Number)
const START = Date.UTC(2026, 10, 24)
const plant = makePlantReadings(1_000)
const file = make()
const before = { written: written(), file: statSync(file).size }
keep()
const readings = commits * seconds * 1_000
console.log(JSON.stringify({ readings, written: written() - before.written, file: statSync(file).size - before.file }))

/** Bytes this process caused to be written to the disk so far (proc(5), /proc/pid/io). */
function written(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'latin1'))![1])
}

/** Makes the file. @returns its path */
function make(): string {
  switch (way) {
    case 'sluice': {
      using store = openFolder()
      store.intern(plant.signals)
      return join(folder, 'sluice.db')
    }
    case 'row':
      return makeTable('CREATE TABLE reading (id INTEGER PRIMARY KEY, signal INT, at INT, value REAL) STRICT')
    case 'floor':
      return makeTable('CREATE TABLE chunk (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT')
    case 'json':
      closeSync(openSync(join(folder, 'readings.jsonl'), 'a'))
      return join(folder, 'readings.jsonl')
    default:
      throw new Error(`no such way: ${way}`)
  }
}

function keep(): void {
  switch (way) {
    case 'sluice':
      return keepInStore()
    case 'row':
      return keepInTable((db) => {
        const insert = db.prepare('INSERT INTO reading (signal, at, value) VALUES (?, ?, ?)')
        return (blocks) => {
          for (const block of blocks) {
            for (let i = 0; i < block.times.length; i++) insert.run(block.signals[i], block.times[i], block.values[i])
          }
        }
      })
    case 'floor': // what any row of these bytes costs, whatever is in it
      return keepInTable((db) => {
        const insert = db.prepare('INSERT INTO chunk (data) VALUES (?)')
        return () => insert.run(Buffer.alloc(bytes, 1))
      })
    case 'json':
      return keepInLines()
  }
}

function* batches(): Generator<readonly ReadingBlock[]> {
  for (let c = 0; c < commits; c++) {
    yield Array.from({ length: seconds }, (_, s) => plant.tick(unixMs(START + (c * seconds + s) * 1_000)))
  }
}

function openFolder(): Store {
  return openStore({
    data_dir: folder,
    boot: 'bench',
    now: unixMs(START),
    max_size: 2e9,
    max_age: 1e12,
    keep_raw: 1e12,
    log: silentLog,
  })
}

function keepInStore(): void {
  using store = openFolder()
  store.intern(plant.signals)
  for (const blocks of batches()) {
    const arrival = blocks.at(-1)!.arrival
    store.append({
      blocks: blocks.map((block) => ({ source: 'plc', block })),
      arrival,
      monotonic: arrival - START,
      sane: true,
      marks: [],
      outages: [],
      counts: [],
    })
  }
}

function openPlain(): Database.Database {
  const db = new Database(join(folder, 'plain.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  return db
}

function makeTable(schema: string): string {
  const db = openPlain()
  db.exec(schema)
  db.close()
  return db.name
}

function keepInTable(prepare: (db: Database.Database) => (blocks: readonly ReadingBlock[]) => unknown): void {
  const db = openPlain()
  const insert = db.transaction(prepare(db))
  for (const blocks of batches()) insert(blocks)
  db.close()
}

function keepInLines(): void {
  const fd = openSync(file, 'a')
  for (const blocks of batches()) {
    const lines = blocks.flatMap((block) =>
      Array.from(block.times, (at, i) =>
        JSON.stringify({ s: plant.signals[block.signals[i]!]!.id, t: at, v: valueAt(block, i) }),
      ),
    )
    writeSync(fd, `${lines.join('\n')}\n`)
    fsyncSync(fd)
  }
  closeSync(fd)
}
