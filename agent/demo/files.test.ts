import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../config/load.ts'
import { contractSchema } from '../../core/contract.ts'
import { loadSetup } from '../../pool/receiver/config.ts'
import { policySchema } from '../../privacy/schema.ts'
import { DEMO_POOL, TABLE_WINDOW, writeDemoFiles } from './files.ts'

const PLANT = { press_ports: [1507, 1508], broker_url: 'mqtt://127.0.0.1:1884' }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('writes a configuration that has no problems', () => {
  const loaded = loadConfig(writeDemoFiles(folder, PLANT).configure('http://127.0.0.1:8080'))
  expect(loaded.problems).toEqual([])
  expect(Object.keys(loaded.sources)).toEqual(['press-7-plc', 'press-8-plc', 'hall-and-line'])
  expect(Object.keys(loaded.pools)).toEqual([DEMO_POOL])
})

it('writes a receiver that takes the plant', () => {
  const setup = loadSetup(writeDemoFiles(folder, PLANT).pool)
  expect([...setup.pools.keys()]).toEqual([DEMO_POOL])
  expect([...(setup.pools.get(DEMO_POOL)?.accounts.values() ?? [])]).toEqual(['demo-plant'])
})

it('asks for the same columns in the policy as the contract has, on a table of ten minutes', () => {
  writeDemoFiles(folder, PLANT)
  const read = (name: string): unknown => parse(readFileSync(join(folder, name), 'utf8'))
  const contract = contractSchema.parse(read(`${DEMO_POOL}.contract.yaml`))
  const { datasets } = policySchema.parse({ ...(read('disclosure.yaml') as object), plant_key: 'a key' })
  expect(contract.datasets['press-table']).toMatchObject({ kind: 'table', window: TABLE_WINDOW })
  for (const [name, dataset] of Object.entries(contract.datasets))
    expect(Object.keys(datasets[name] ?? {})).toEqual(Object.keys(dataset.columns))
})

it('makes keys that only their owner can read, new each time', () => {
  const keys = ['plant.key', 'signing.key', 'receipt.key']
  const seen = [1, 2].flatMap(() => {
    writeDemoFiles(folder, PLANT)
    for (const key of keys) expect(statSync(join(folder, key)).mode & 0o777).toBe(0o600)
    return keys.map((key) => readFileSync(join(folder, key), 'utf8'))
  })
  expect(new Set(seen).size).toBe(6)
})
