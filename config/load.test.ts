import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type LoadedConfig, loadConfig } from './load.ts'
import { problemJson } from './problem.ts'

const example = join(import.meta.dirname, 'example')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

type Change = readonly [file: string, from: string | RegExp, to: string]

/** The example with its keys in place, and changes to its files: [file, what, by what]. */
function folderWith(changes: readonly Change[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'))
  folders.push(folder)
  for (const file of readdirSync(example)) {
    let text = readFileSync(join(example, file), 'utf8').replaceAll('/etc/sluice/', '')
    for (const [, from, to] of changes.filter(([name]) => name === file)) {
      expect(text).toMatch(from)
      text = text.replace(from, to)
    }
    writeFileSync(join(folder, file), text)
  }
  for (const key of ['plant.key', 'krjp.key']) {
    writeFileSync(join(folder, key), `${Buffer.alloc(32, key.length).toString('base64')}\n`)
    chmodSync(join(folder, key), 0o600)
  }
  writeFileSync(join(folder, 'mqtt.password'), 'geheim\n')
  return folder
}

function loadFrom(folder: string): LoadedConfig {
  return loadConfig(join(folder, 'sluice.yaml'), { env: {}, now: Date.UTC(2026, 10, 24) })
}

const load = (...changes: readonly Change[]): LoadedConfig => loadFrom(folderWith(changes))

/** The example with a second pool, which has the same as the first had before these changes. */
function loadTwo(...changes: readonly Change[]): LoadedConfig {
  const other = ['dir: outgoing', 'policy: second.yaml', 'signing_key: { file: krjp.key }']
  const folder = folderWith([['sluice.yaml', /$/, `  second:\n    ${other.join('\n    ')}\n`], ...changes])
  const read = (file: string): string => readFileSync(join(example, file), 'utf8').replaceAll('krjp-quality', 'second')
  const contract = read('krjp-quality.contract.yaml')
  const sha256 = createHash('sha256').update(contract).digest('hex')
  const policy = read('disclosure.yaml')
    .replaceAll('/etc/sluice/', '')
    .replace(/sha256: .*/, `sha256: ${sha256}`)
  writeFileSync(join(folder, 'second.contract.yaml'), contract)
  writeFileSync(join(folder, 'second.yaml'), policy)
  return loadFrom(folder)
}

const messages = ({ problems }: LoadedConfig) => problems.map((p) => p.message)

describe('loadConfig', () => {
  it('takes the example', () => {
    const loaded = load()
    expect(loaded.problems).toEqual([])
    expect(loaded.gateway?.name).toBe('hall-2')
    expect(loaded.clock).toEqual({ trust: 'system', max_skew: 300_000 })
    expect(Object.values(loaded.sources).map((s) => s.kind)).toEqual(['ok', 'ok'])
    const pool = loaded.pools['krjp-quality']
    expect(pool?.gate.kind).toBe('open')
    if (pool?.gate.kind !== 'open') return
    expect(pool.gate.policy.plant_key).toHaveLength(44)
    expect(JSON.stringify(pool.gate.document)).not.toContain('plant_key')
    expect(pool.gate.document).toMatchObject({ version: 1, pool: 'krjp-quality' })
    expect(pool.gate.contract.pool).toBe('krjp-quality')
    expect(pool.gate.contract_sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('spares the other sources and all gates where one source is wrong', () => {
    const loaded = load(['sluice.yaml', 'unit_id: 1', 'unit_id: 1000'])
    expect(messages(loaded)).toEqual(['1000 is out of range'])
    expect(loaded.sources['press-line']).toMatchObject({ kind: 'bad', problems: [{ line: 18 }] })
    expect(loaded.sources['hall-climate']?.kind).toBe('ok')
    expect(loaded.pools['krjp-quality']?.gate.kind).toBe('open')
    expect(loaded.gateway && loaded.buffer).toBeDefined()
  })

  it('shuts the gate of a pool whose policy is absent, and keeps its delivery', () => {
    const loaded = load(['sluice.yaml', 'policy: disclosure.yaml', 'policy: absent.yaml'])
    expect(loaded.problems).toMatchObject([{ path: 'pools.krjp-quality.policy' }])
    const pool = loaded.pools['krjp-quality']
    expect(pool).toMatchObject({ gate: { kind: 'shut', fault: { code: 'policy-missing' } } })
    expect(pool?.config?.url).toBe('https://pool.example.org')
  })

  it.each<[string, string, string | RegExp, string, string]>([
    ['policy-invalid', 'disclosure.yaml', 'profile: balanced', 'profile: loose', 'options'],
    ['policy-invalid', 'disclosure.yaml', /sha256: ./, 'sha256: x', 'another hash'],
    ['policy-invalid', 'krjp-quality.contract.yaml', 'kind: table', 'kind: tabel', 'options'],
    ['policy-expired', 'disclosure.yaml', 'expires: 2028', 'expires: 2025', 'has expired'],
    ['key-missing', 'disclosure.yaml', 'plant.key', 'absent.key', 'does not exist'],
    ['key-invalid', 'disclosure.yaml', 'plant.key', 'sluice.yaml', 'others than its owner may use'],
    ['key-missing', 'sluice.yaml', 'krjp.key', 'absent.key', 'does not exist'],
    ['policy-invalid', 'sluice.yaml', 'https://pool', 'ftp://pool', 'is not the address of a pool'],
  ])('shuts the gate by %s where %s has a mistake: %s', (code, file, from, to, said) => {
    const loaded = load([file, from, to])
    expect(messages(loaded).some((m) => m.includes(said))).toBe(true)
    const gate = loaded.pools['krjp-quality']?.gate
    expect(gate).toMatchObject({ kind: 'shut', fault: { code } })
    if (gate?.kind === 'shut') expect(gate.fault.message).toMatch(/^\S+:\d+:\d+: /)
    expect(Object.values(loaded.sources).map((s) => s.kind)).toEqual(['ok', 'ok'])
  })

  it('shuts the gate of a pool that would have without noise what another has with it', () => {
    expect(loadTwo().problems).toEqual([])
    const loaded = loadTwo(
      ['disclosure.yaml', 'profile: balanced', 'profile: balanced\nbudget: { window: 1d, epsilon: 24 }'],
      ['disclosure.yaml', 'step: 0.002', 'step: 0.002, noise: { epsilon: 1 }'],
    )
    expect(loaded.problems).toMatchObject([
      {
        path: 'datasets.press-hourly.defect_rate',
        message:
          '"press-7/ng" has noise in press-hourly.defect_rate of the pool krjp-quality, and would be published here without',
      },
    ])
    expect(loaded.problems[0]!.file).toMatch(/second\.yaml$/)
    expect(loaded.pools.second?.gate).toMatchObject({ kind: 'shut', fault: { code: 'policy-invalid' } })
    expect(loaded.pools['krjp-quality']?.gate.kind).toBe('open')
  })

  it.each([
    ['gateway', ['sluice.yaml', 'name: hall-2', 'name: hall 2'] as const],
    ['gateway', ['sluice.yaml', 'version: 1', 'version: 2'] as const],
    ['buffer', ['sluice.yaml', 'flush: 1s', 'flush: 1'] as const],
  ])('gives no %s where that part is wrong', (part, change) => {
    const loaded = load(change)
    expect(loaded.problems).toHaveLength(1)
    expect(loaded).toMatchObject({ [part]: undefined })
    expect(loaded.sources['press-line']?.kind).toBe('ok')
  })

  it('falls back to the defaults of a wrong clock, and says so', () => {
    const loaded = load(['sluice.yaml', 'buffer:', 'clock: { max_skew: 5 }\nbuffer:'])
    expect(loaded.problems).toMatchObject([{ path: 'clock.max_skew' }])
    expect(loaded.clock.max_skew).toBe(300_000)
  })

  it('tells all problems of all files at once', () => {
    const loaded = load(
      ['sluice.yaml', 'flush: 1s', 'flush: 1'],
      ['sluice.yaml', 'krjp.key', 'absent.key'],
      ['disclosure.yaml', 'plant.key', 'absent.key'],
      ['krjp-quality.contract.yaml', 'kind: table', 'kind: tabel'],
    )
    expect(loaded.problems.map((p) => p.file.split('/').at(-1))).toEqual([
      'sluice.yaml',
      'sluice.yaml',
      'disclosure.yaml',
      'disclosure.yaml',
      'krjp-quality.contract.yaml',
    ])
  })

  it('says what a file is that cannot be opened', () => {
    expect(loadConfig('/nowhere/sluice.yaml').problems.map(problemJson)).toEqual([
      {
        file: '/nowhere/sluice.yaml',
        line: 1,
        column: 1,
        path: '',
        message: '/nowhere/sluice.yaml does not exist',
        hint: 'check the path and the rights of the file',
      },
    ])
    expect(messages(loadConfig(tmpdir()))).toEqual([`${tmpdir()} is a folder, not a file`])
  })

  it('makes folders absolute, from where the configuration lies', () => {
    const loaded = load(
      ['sluice.yaml', '/var/lib/sluice', 'data'],
      ['sluice.yaml', 'buffer:', 'control: { socket: run/agent.sock }\nbuffer:'],
      ['sluice.yaml', /receipt_key: .*/, ''],
      ['sluice.yaml', 'url: https://pool.example.org', 'dir: outgoing'],
    )
    const folder = loaded.file.replace(/\/sluice\.yaml$/, '')
    expect(loaded.problems).toEqual([])
    expect(loaded.gateway?.data_dir).toBe(`${folder}/data`)
    expect(loaded.control?.socket).toBe(`${folder}/run/agent.sock`)
    expect(loaded.pools['krjp-quality']?.config?.dir).toBe(`${folder}/outgoing`)
  })
})
