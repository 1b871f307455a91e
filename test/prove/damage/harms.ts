import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { PAGE } from '../../../buffer/database.ts'

/** A way in which the files of a data folder come to harm. */
export interface Harm {
  readonly name: string
  /** The bytes themselves are gone, all or a large part: nobody could salvage them. */
  readonly removes?: true
  /** Whether the folder is as a killed process leaves it, with a log that is not worked in yet. */
  readonly hot: boolean
  /** @param old an earlier copy of the same folder */
  act(folder: string, random: () => number, old: string): void
}

const database = (folder: string): string => join(folder, 'sluice.db')
const wal = (folder: string): string => join(folder, 'sluice.db-wal')
const highWater = (folder: string): string => join(folder, 'high-water')

function change(path: string, act: (bytes: Buffer) => void): void {
  if (!existsSync(path)) return
  const bytes = readFileSync(path)
  if (bytes.length > 0) act(bytes)
  writeFileSync(path, bytes)
}

const flip =
  (fileOf: (folder: string) => string, most: number) =>
  (folder: string, random: () => number): void =>
    change(fileOf(folder), (bytes) => {
      for (let n = 1 + Math.floor(random() * most); n > 0; n--) {
        bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
      }
    })

/** Bits of pages that hold little data and much meaning: what stands before the first page of chunks. */
function flipEarly(folder: string, random: () => number): void {
  change(database(folder), (bytes) => {
    const end = Math.min(bytes.length, 34 * PAGE)
    for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
      bytes[Math.floor(random() * end)]! ^= 1 << Math.floor(random() * 8)
    }
  })
}

function pageOf(bytes: Buffer, random: () => number): Buffer {
  const number = Math.floor((random() * bytes.length) / PAGE)
  return bytes.subarray(number * PAGE, (number + 1) * PAGE)
}

function zeroPages(folder: string, random: () => number): void {
  change(database(folder), (bytes) => {
    for (let n = 1 + Math.floor(random() * 3); n > 0; n--) pageOf(bytes, random).fill(0)
  })
}

function swapPages(folder: string, random: () => number): void {
  change(database(folder), (bytes) => {
    const [one, other] = [pageOf(bytes, random), pageOf(bytes, random)]
    const kept = Buffer.from(one)
    if (one.length !== other.length) return
    other.copy(one)
    kept.copy(other)
  })
}

function tearPages(folder: string, random: () => number): void {
  change(database(folder), (bytes) => {
    const page = pageOf(bytes, random)
    for (let i = Math.floor((random() * page.length) / 512) * 512; i < page.length; i++) page[i] = random() * 256
  })
}

function truncate(path: string, random: () => number): void {
  if (existsSync(path)) truncateSync(path, Math.floor(readFileSync(path).length * random()))
}

function anotherProgram(folder: string): void {
  for (const path of [database(folder), wal(folder)]) rmSync(path, { force: true })
  const db = new Database(database(folder))
  db.exec('CREATE TABLE chunk (x); INSERT INTO chunk VALUES (1)')
  db.close()
}

/** As a Sluice with one more table leaves it. */
function newerVersion(folder: string): void {
  const db = new Database(database(folder))
  db.exec('CREATE TABLE later (x); PRAGMA user_version = 99')
  db.close()
}

/** Every way that is tried. */
export const HARMS: readonly Harm[] = [
  { name: 'a flipped bit', hot: false, act: flip(database, 1) },
  { name: 'up to 50 flipped bits', hot: false, act: flip(database, 50) },
  { name: 'flipped bits in the first pages', hot: false, act: flipEarly },
  { name: 'cut off', removes: true, hot: false, act: (folder, random) => truncate(database(folder), random) },
  { name: 'cut off while open', removes: true, hot: true, act: (folder, random) => truncate(database(folder), random) },
  { name: 'zeroed pages', hot: false, act: zeroPages },
  { name: 'swapped pages', hot: false, act: swapPages },
  { name: 'a torn page', hot: false, act: tearPages },
  { name: 'first page zeroed', hot: false, act: (folder) => change(database(folder), (b) => void b.fill(0, 0, PAGE)) },
  { name: 'log missing', removes: true, hot: true, act: (folder) => rmSync(wal(folder), { force: true }) },
  {
    name: 'log of garbage',
    removes: true,
    hot: true,
    act: (folder, random) => change(wal(folder), (b) => b.set(b.map(() => random() * 256))),
  },
  {
    name: 'log of earlier',
    removes: true,
    hot: true,
    act: (folder, _, old) => existsSync(wal(old)) && copyFileSync(wal(old), wal(folder)),
  },
  { name: 'log cut off', removes: true, hot: true, act: (folder, random) => truncate(wal(folder), random) },
  { name: 'flipped bits in the log', hot: true, act: flip(wal, 5) },
  {
    name: 'database of earlier',
    removes: true,
    hot: false,
    act: (folder, _, old) => copyFileSync(database(old), database(folder)),
  },
  { name: 'high-water missing', hot: true, act: (folder) => rmSync(highWater(folder), { force: true }) },
  { name: 'high-water torn', hot: true, act: (folder, random) => truncate(highWater(folder), random) },
  {
    name: 'flipped bits, and high-water missing',
    hot: true,
    act(folder, random) {
      flip(database, 20)(folder, random)
      rmSync(highWater(folder), { force: true })
    },
  },
  { name: 'empty', hot: false, removes: true, act: (folder) => truncateSync(database(folder), 0) },
  {
    name: 'text',
    hot: false,
    removes: true,
    act: (folder) => writeFileSync(database(folder), 'readings: none\n'.repeat(800)),
  },
  { name: 'another program’s database', hot: false, removes: true, act: anotherProgram },
  { name: 'of a newer version', hot: false, removes: true, act: newerVersion },
]
