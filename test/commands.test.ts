import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sluice, sluiceProcess } from './support/sluice.ts'
import { openSmallPlant, type SmallPlant, untilStatus, writePolicy } from './support/small-plant.ts'

/** Runs `sluice run` until it says that it runs; killed with the test. */
async function run(plant: SmallPlant) {
  const args = [join(import.meta.dirname, '../agent/main.ts'), 'run', '-c', plant.config]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const output = createInterface(child.stdout)
  for await (const line of output) if (line.includes('sluice is running')) break
  child.stdout.resume()
  return { child, ended }
}

const json = (text: string): unknown => JSON.parse(text)

describe('commands', () => {
  it('plan prints the requests', async () => {
    const plant = await openSmallPlant()
    const { code, out } = await sluice(['plan', '--json', '-c', plant.config])
    expect(code).toBe(0)
    expect(json(out)).toEqual(
      ['press-7', 'press-8'].map((press) => ({
        source: `${press}-plc`,
        unit_id: 1,
        table: 'holding',
        address: 0,
        quantity: 2,
        signals: [`${press}/oil_temperature`],
      })),
    )
  })

  it('probe reads once, by itself and through the running agent', async () => {
    const plant = await openSmallPlant()
    const line = {
      source: 'press-7-plc',
      device: 'press-7',
      asset: 'press-7',
      signal: 'oil_temperature',
      value: 25,
      quality: 'good',
      reason: '',
      unit: 'Cel',
      raw: '41c8 0000',
    }
    const alone = await sluiceProcess(['probe', 'press-7-plc', '--json', '-c', plant.config])
    expect(json(alone.out)).toEqual([line])
    const agent = await plant.start()
    await untilStatus(agent, (s) => s.sources['press-7-plc']!.readings > 0)
    const connections = plant.plcs[0]!.connections
    const through = await sluiceProcess(['probe', 'press-7-plc', '--json', '-c', plant.config])
    expect(json(through.out)).toEqual([line])
    expect(plant.plcs[0]!.connections).toBe(connections)
  })

  it('probe says in one line that a host does not answer, and shows the others', async () => {
    const plant = await openSmallPlant()
    await plant.plcs[1]![Symbol.asyncDispose]()
    const { code, out, err } = await sluice(['probe', '--json', '-c', plant.config])
    expect(code).toBe(1)
    expect(json(out)).toHaveLength(1)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).toMatch(
      /^sluice: source press-8-plc, at 127\.0\.0\.1:\d+: cannot connect: ECONNREFUSED \(source-refused; /,
    )
    const agent = await plant.start()
    await untilStatus(agent, (s) => s.sources['press-7-plc']!.readings > 0)
    const through = await sluice(['probe', '--json', '-c', plant.config])
    expect([through.code, through.out]).toEqual([1, out])
    expect(through.err).toMatch(/^sluice: source press-8-plc: [^\n]*source-[^\n]*\n$/)
  })

  it('check prints all problems with their place', async () => {
    const plant = await openSmallPlant()
    writeFileSync(
      plant.config,
      readFileSync(plant.config, 'utf8').replace('unit: Cel', 'unit: ℃').replace('period', 'perod'),
    )
    const { code, out } = await sluice(['check', '--json', '-c', plant.config])
    expect(code).toBe(2)
    const { ok, problems } = json(out) as { ok: boolean; problems: object[] }
    expect(ok).toBe(false)
    expect(problems).toHaveLength(2)
    for (const p of problems) expect(Object.keys(p)).toEqual(['file', 'line', 'column', 'path', 'message', 'hint'])
    expect(problems).toMatchObject([
      { line: 10, hint: 'did you mean "period"?' },
      { line: 10, hint: 'write "Cel" (UCUM)' },
    ])
  })

  it('preview shows each signal with what it becomes or why it stays', async () => {
    const plant = await openSmallPlant()
    const { code, out } = await sluice(['preview', '--json', '-c', plant.config])
    expect(code).toBe(0)
    expect(json(out)).toMatchObject([
      {
        pool: 'quality',
        gate: 'open',
        signals: [
          {
            signal: 'press-7/oil_temperature',
            becomes: [{ dataset: 'stream', column: 'oil_temperature' }],
            withheld: null,
          },
          { signal: 'press-8/oil_temperature', becomes: [{ dataset: 'stream' }], withheld: null },
        ],
      },
    ])
  })
})

it('preview shows the reason where a column is finer than its profile allows', async () => {
  const plant = await openSmallPlant()
  writePolicy(plant.folder, ['step: 1.2', 'step: 0.6, accept_risk: "agreed on 2026-10-01"'])
  const { out } = await sluiceProcess(['preview', '-c', plant.config])
  expect(out).toMatch(/press-7\/oil_temperature .* in steps of 0\.6 {2}RISK ACCEPTED: agreed on 2026-10-01\n/)
})

describe('a configuration that is not there', () => {
  it.each(['run', 'check', 'plan', 'probe', 'preview', 'status'])(
    'is said by %s, and nothing else is',
    async (name) => {
      const { code, out, err } = await sluice([name, '-c', '/nowhere/sluice.yaml'])
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(/^\/nowhere\/sluice\.yaml:1:1: \/nowhere\/sluice\.yaml does not exist\n +=.*\n/)
      expect(err).not.toMatch(/^ +at /m)
    },
  )
})

describe('sluice run', () => {
  it.each([
    ['absent/deep', 'the folder that it should be in does not exist (ENOENT)'],
    ['sluice.yaml/data', 'a part of the path is a file, not a folder (ENOTDIR)'],
    ['sluice.yaml', 'a part of the path is a file, not a folder (ENOTDIR)'],
  ])('says in one line why %s is no data folder', async (data_dir, why) => {
    const plant = await openSmallPlant()
    const written = readFileSync(plant.config, 'utf8')
    writeFileSync(plant.config, written.replace(/data_dir: \S+/, `data_dir: ${plant.path(data_dir)}`))
    const { code, err } = await sluiceProcess(['run', '-c', plant.config])
    expect(code).toBe(1)
    expect(err).toMatch(/^sluice: [^\n]+\n$/)
    expect(err).toContain(plant.path(data_dir))
    expect(err).toContain(`: ${why} (store-io; `)
  })

  it('takes only levels that there are', async () => {
    const { code, err } = await sluice(['run', '--log-level', 'loud'])
    expect(code).toBe(2)
    expect(err).toMatch(/^error: .*'loud' is invalid. Allowed choices are error, warn, info, debug\.\n$/)
  })

  it('ends on SIGTERM with everything stored, and status reads the folder then', async () => {
    const plant = await openSmallPlant()
    mkdirSync(plant.path('outgoing'))
    const { child, ended } = await run(plant)
    const socket = plant.path('data/sluice.sock')
    expect(existsSync(socket)).toBe(true)
    const asked = json((await sluiceProcess(['status', '--json', '-c', plant.config])).out) as { running: boolean }
    expect(asked.running).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(existsSync(socket)).toBe(false)
    const after = await sluice(['status', '--json', '--check', '-c', plant.config])
    expect(after.code).toBe(1) // no agent runs
    expect(json(after.out)).toMatchObject({ running: false, ledger_ok: true })
  })

  it('lets one agent use a data folder, and tells the second one', async () => {
    const plant = await openSmallPlant()
    await run(plant)
    const second = await sluiceProcess(['run', '-c', plant.config])
    expect(second.code).toBe(2)
    expect(second.err.trim().split('\n').at(-1)).toMatch(/^sluice: .*store-locked/)
    expect((await sluice(['status', '-c', plant.config])).code).toBe(0)
  })

  it('never says a secret', async () => {
    const plant = await openSmallPlant()
    chmodSync(plant.path('plant.key'), 0o644)
    const secrets = ['plant.key', 'signing.key'].map((name) => readFileSync(plant.path(name), 'utf8').trim())
    await run(plant)
    const said = [
      await sluice(['status', '--json', '-c', plant.config]),
      await sluice(['check', '-c', plant.config]),
      await sluice(['preview', '-c', plant.config]),
    ]
    for (const { out, err } of said) for (const secret of secrets) expect(out + err).not.toContain(secret)
  })
})
