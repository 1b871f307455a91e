import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { HOUR, MINUTE, signalOf } from '../../test/support/disclosure.ts'
import { sluice } from '../../test/support/sluice.ts'
import { commitOf, makeFolder, T0 } from '../../test/support/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const data = makeFolder()
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  data[Symbol.dispose]()
})
const path = (name: string): string => join(folder, name)

/** The example, with a data folder that holds six hours of two presses, at work in every second one. */
cpSync(join(import.meta.dirname, '../../config/example'), folder, { recursive: true })
for (const file of ['sluice.yaml', 'disclosure.yaml'])
  writeFileSync(
    path(file),
    readFileSync(path(file), 'utf8').replaceAll('/etc/sluice/', '').replace('/var/lib/sluice', data.path),
  )
writeFileSync(path('plant.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`)
chmodSync(path('plant.key'), 0o600)
const PRESSES = ['press-7', 'press-8']
const signals = PRESSES.map((asset) => signalOf(`${asset}/oil_temperature`, { source: 'press-line', unit: 'Cel' }))
{
  const store = data.open()
  store.intern(signals)
  for (let minute = 0; minute < 6 * 60; minute++) {
    const arrival = unixMs(T0 + minute * MINUTE)
    const builder = makeBlockBuilder()
    for (const [i] of PRESSES.entries())
      builder.add(i, arrival, 40 + 30 * i + (minute % 120 < 60 ? Math.sin(minute / 20) : 0))
    const complete = Object.fromEntries([...PRESSES, 'hall-2'].map((asset) => [asset, arrival]))
    const block = builder.take(arrival, complete)
    store.append({ ...commitOf([], { after: minute * MINUTE }), blocks: [{ source: 'press-line', block }] })
  }
  store[Symbol.dispose]()
}

/** The example's policy with more lines. */
function expecting(name: string, lines: string): string {
  writeFileSync(path(name), `${readFileSync(path('disclosure.yaml'), 'utf8')}${lines}\n`)
  return path(name)
}

const run = (...args: readonly string[]) => sluice([...args, '-c', path('sluice.yaml')])

describe('sluice bench', () => {
  it('finds two presses apart in the readings of the data folder', async () => {
    const { code, out } = await run('bench', '--json')
    const [tried] = JSON.parse(out)
    expect([code, tried.pool, tried.readings]).toEqual([0, 'krjp-quality', 2 * 6 * 60])
    expect(tried.until - tried.from).toBe(6 * HOUR - MINUTE)
    expect(tried.result.trace_linkage).toMatchObject({ n: 2, value: 1, baseline: 0.5 })
    expect(tried.result.volume_exact).toBeNull()
  })

  it('fails where the policy expects better, and says what it found', async () => {
    const lines = 'expect: { trace_linkage: { max: 0.5 }, traffic_auc: { max: 0.55 } }'
    const { code, out } = await run('policy', 'check', '--bench', '--policy', expecting('strict.yaml', lines))
    expect(code).toBe(1)
    expect(out).toContain('NOT MET: trace_linkage is 1.000, expected at most 0.5')
    expect(out).toContain('  met: traffic_auc is 0.5')
  })

  it('passes where the policy expects no more than that', async () => {
    const met = expecting('met.yaml', 'expect: { trace_linkage: { max: 1 } }')
    const { code, out } = await run('policy', 'check', '--bench', '--json', '--policy', met)
    expect([code, JSON.parse(out).policies[0].trial.gates[0].met]).toEqual([0, true])
  })

  it('does not take for met what could not be measured', async () => {
    const { code, out } = await run('bench', '--policy', expecting('none.yaml', 'expect: { volume_exact: { max: 1 } }'))
    expect(code).toBe(1)
    expect(out).toContain('NOT MET: volume_exact could not be measured')
  })
})
