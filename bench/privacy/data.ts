import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'

/** The public data sets (their README names sources and licences); nothing of them is part of the project. */

/** One plant's electricity, every 15 minutes of 2018, in the order of the file. */
export interface Steel {
  readonly kwh: readonly number[]
  readonly reactive: readonly number[]
  readonly factor: readonly number[]
  /** Light_Load is what it is called when the plant idles */
  readonly working: readonly boolean[]
}

/** Parts of the AI4I 2020 set: air, process temperature, speed, torque, wear. */
export interface Part {
  readonly features: readonly number[]
  readonly failed: boolean
}

/** One experiment of SKAB: rows of eight sensors, about one a second. */
export interface Experiment {
  readonly rows: readonly (readonly number[])[]
  readonly anomaly: readonly boolean[]
}

/** Engines of C-MAPSS FD001: cycles of 24 settings and sensors. */
export type Engine = readonly (readonly number[])[]

/** The sets in a folder; undefined for those that are not there. */
export interface DataSets {
  readonly steel: Steel | undefined
  readonly ai4i: readonly Part[] | undefined
  readonly skab: readonly Experiment[] | undefined
  readonly cmapss: readonly Engine[] | undefined
}

export function loadDataSets(folder: string, say: (line: string) => void): DataSets {
  const read = <T>(name: string, path: string, load: (path: string) => T): T | undefined => {
    const file = join(folder, path)
    if (existsSync(file)) return load(file)
    say(`privacy: ${name} is not at ${file}: what needs it is skipped`)
    return undefined
  }
  return {
    steel: read('Steel', 'steel-industry-energy/Steel_industry_data.csv', loadSteel),
    ai4i: read('AI4I', 'ai4i2020/ai4i2020.csv', loadParts),
    skab: read('SKAB', 'skab/data', loadExperiments),
    cmapss: read('C-MAPSS', 'cmapss/train_FD001.txt.gz', loadEngines),
  }
}

function rowsOf(path: string, delimiter = ','): readonly (readonly string[])[] {
  return parse(readFileSync(path), { delimiter, from_line: 2, bom: true }) as string[][]
}

function loadSteel(path: string): Steel {
  const rows = rowsOf(path)
  const numbers = (i: number): readonly number[] => rows.map((row) => Number(row[i]))
  return {
    kwh: numbers(1),
    reactive: numbers(2),
    factor: numbers(5),
    working: rows.map((row) => row[10] !== 'Light_Load'),
  }
}

function loadParts(path: string): readonly Part[] {
  return rowsOf(path).map((row) => ({ features: row.slice(3, 8).map(Number), failed: row[8] === '1' }))
}

function loadExperiments(folder: string): readonly Experiment[] {
  return ['valve1', 'valve2', 'other'].flatMap((part) =>
    readdirSync(join(folder, part))
      .filter((file) => file.endsWith('.csv'))
      .toSorted()
      .map((file) => {
        const rows = rowsOf(join(folder, part, file), ';')
        return {
          rows: rows.map((row) => row.slice(1, 9).map(Number)),
          anomaly: rows.map((row) => Number(row[9] ?? 0) > 0),
        }
      }),
  )
}

function loadEngines(path: string): readonly Engine[] {
  const engines: number[][][] = []
  for (const line of gunzipSync(readFileSync(path)).toString().trim().split('\n')) {
    const [unit, , ...rest] = line.trim().split(/\s+/).map(Number) as [number, ...number[]]
    engines[unit - 1] ??= []
    engines[unit - 1]!.push(rest)
  }
  return engines
}
