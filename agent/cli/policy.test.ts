import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sluice } from '../../test/support/sluice.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-policy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = (name: string): string => join(folder, name)

/** The example as a data steward has it on a desk: its files, and none of its secrets. */
cpSync(join(import.meta.dirname, '../../config/example'), folder, { recursive: true })
for (const file of ['sluice.yaml', 'disclosure.yaml'])
  writeFileSync(path(file), readFileSync(path(file), 'utf8').replaceAll('/etc/sluice/', ''))

/** A policy that differs from the example's. */
function draft(name: string, ...changes: readonly (readonly [from: string, to: string])[]): string {
  const text = changes.reduce((all, [from, to]) => all.replace(from, to), readFileSync(path('disclosure.yaml'), 'utf8'))
  writeFileSync(path(name), text)
  return path(name)
}

const policy = (...args: readonly string[]) => sluice(['policy', ...args, '-c', path('sluice.yaml')])

describe('sluice policy', () => {
  it('check wants the key, and shows each column and what stays inside', async () => {
    const keyless = await policy('check')
    expect([keyless.code, keyless.out]).toEqual([2, ''])
    expect(keyless.err).toMatch(/disclosure\.yaml:10:\d+: plant_key\.file: .*does not exist/)
    writeFileSync(path('plant.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`)
    chmodSync(path('plant.key'), 0o600)
    const { code, out } = await policy('check', '--json')
    expect(code).toBe(0)
    const { ok, policies } = JSON.parse(out)
    expect([ok, policies.length]).toEqual([true, 1])
    const [press] = policies[0].datasets
    expect(press.columns.map(({ column }: { column: string }) => column)).toEqual([
      'oil_temperature_mean',
      'humidity_mean',
      'defect_rate',
    ])
    expect(policies[0].withheld).toContainEqual({
      signal: 'press-7/guard_closed',
      reason: 'no rule of the policy names it',
    })
    rmSync(path('plant.key'))
  })

  it('check says every problem of a draft with its place', async () => {
    const file = draft('bad.yaml', ['step: 1.2', 'step: 0.6'], ['press.hydraulic,', 'press.steam,'])
    const { code, out } = await policy('check', '--json', '--policy', file)
    expect(code).toBe(2)
    expect(JSON.parse(out).problems.map(({ line, path: at }: { line: number; path: string }) => [line, at])).toEqual([
      [10, 'plant_key.file'],
      [13, 'assets.press-7.class'],
      [18, 'datasets.press-hourly.oil_temperature_mean.step'],
    ])
  })

  it('diff fails where anything is looser, and not where all is tighter; without keys, and past the end', async () => {
    const looser = draft('looser.yaml', ['2028-12-31', '2029-12-31'], ['step: 1.2', 'step: 2.4'])
    const there = await policy('diff', looser)
    expect(there.code).toBe(1)
    expect(there.out).toMatch(/LOOSER +policy +expires +2028-12-31 → 2029-12-31\nTIGHTER +press-hourly/)
    const back = await policy('diff', '--old', looser)
    expect(back.out).toMatch(/TIGHTER +policy +expires +2029-12-31 → 2028-12-31/)
    expect((await policy('diff', draft('tighter.yaml', ['2028-12-31', '2020-12-31']))).code).toBe(0)
  })

  it('explain takes a column by its name, and says which was meant', async () => {
    const { code, out } = await policy('explain', 'defect_rate', '--json')
    expect([code, JSON.parse(out).dataset]).toEqual([0, 'press-hourly'])
    const wrong = await policy('explain', 'press-hourly.defectrate')
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(wrong.err).toContain('did you mean press-hourly.defect_rate?')
  })

  it.each([
    ['en', 'What never leaves'],
    ['ko', '결코 나가지 않는 것'],
    ['ja', '決して外に出ないもの'],
  ])('card speaks %s', async (lang, title) => {
    const { code, out } = await policy('card', '--lang', lang)
    expect(code).toBe(0)
    expect(out).toContain(title)
  })
})
