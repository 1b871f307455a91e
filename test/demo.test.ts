import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sluiceProcess } from './support/sluice.ts'

const LIMIT = 60_000

describe('sluice demo', () => {
  it('fills a lake that a foreign reader opens, and in which nothing of the plant is named', {
    timeout: LIMIT,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { code, out } = await sluiceProcess(['demo', '--seconds', '12', '--json', '--keep', folder])
    expect(code).toBe(0)
    const summary = JSON.parse(out.trim().split('\n').at(-1)!)
    expect(Object.keys(summary)).toEqual([
      ...['accepted', 'pending', 'disclosed', 'withheld', 'evicted', 'batches', 'delivered'],
      ...['pool_rows', 'pool_duplicates', 'correlation_raw', 'correlation_pool'],
    ])
    const { accepted, pending, disclosed, withheld, evicted } = summary
    expect(pending + disclosed + withheld + evicted).toBe(accepted)
    expect(disclosed).toBeGreaterThan(0)
    expect(summary.delivered).toBeGreaterThan(1)
    expect(summary.pool_duplicates).toBe(0)

    const db = await (await DuckDBInstance.create()).connect()
    const lake = join(folder, 'pool/lake')
    const rows = async (dataset: string): Promise<readonly Record<string, unknown>[]> => {
      const files = join(lake, `*/${dataset}/**/*.parquet`)
      const query = `select count(*)::int as n, count(distinct (asset, slot))::int as cells, max(q_humidity_mean)::int as worst,
        typeof(any_value(slot)) as slot, typeof(any_value(q_humidity_mean)) as q from read_parquet('${files}')`
      return (await db.runAndReadAll(query)).getRowObjectsJson()
    }
    const [stream, table] = [(await rows('press-stream'))[0]!, (await rows('press-table'))[0]!]
    expect(Number(stream.n) + Number(table.n)).toBe(summary.pool_rows)
    for (const { n, cells, slot, q } of [stream, table]) {
      expect(n).toBeGreaterThan(0)
      expect(cells).toBe(n)
      expect([slot, q]).toEqual(['TIMESTAMP WITH TIME ZONE', 'UTINYINT'])
    }

    const secrets = [
      'press-7',
      'press-8',
      'hall-2',
      'demo-gateway',
      '127.0.0.1',
      'hall-and-line',
      'oil_temperature"',
      'climate',
    ]
    for (const file of globSync('**/*.parquet', { cwd: lake })) {
      const bytes = readFileSync(join(lake, file))
      for (const secret of secrets) expect(bytes.includes(secret), `${secret} in ${file}`).toBe(false)
    }
  })

  it('ends cleanly when it is interrupted, and leaves nothing behind', { timeout: LIMIT }, async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'sluice-demo-test-'))
    onTestFinished(() => rmSync(temporary, { recursive: true, force: true }))
    const child = spawn(process.execPath, [join(import.meta.dirname, '../agent/main.ts'), 'demo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    const output = createInterface(child.stdout).on('line', (line) => lines.push(line))
    while (lines.length < 4) await once(output, 'line')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(lines.join('\n')).toMatch(/readings accepted = \d+ pending/)
    expect(readdirSync(temporary)).toEqual([])
  })
})
