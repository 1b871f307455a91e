import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { writeKey } from './support/key-file.ts'
import { CERTIFICATE, PRIVATE_KEY } from './support/pem.ts'
import { openSmallPlant, type SmallPlant, untilStatus, writePolicy } from './support/small-plant.ts'

const breakages: readonly (readonly [what: string, code: string, breakIt: (plant: SmallPlant) => void])[] = [
  ['a policy that is not YAML', 'policy-invalid', (p) => writeFileSync(p.path('policy.yaml'), 'version: [1')],
  ['a policy that is gone', 'policy-missing', (p) => rmSync(p.path('policy.yaml'))],
  ['a policy finer than the contract', 'policy-invalid', (p) => writePolicy(p.folder, ['step: 1.2', 'step: 0.01'])],
  ['a contract with another hash', 'policy-invalid', (p) => writeFileSync(p.path('contract.yaml'), 'version: 1\n')],
  ['an expired policy', 'policy-expired', (p) => writePolicy(p.folder, ['2040-12-31', '2026-01-01'])],
  ['a missing plant key', 'key-missing', (p) => rmSync(p.path('plant.key'))],
  ['a missing signing key', 'key-missing', (p) => rmSync(p.path('signing.key'))],
  ['a key that others can read', 'key-invalid', (p) => chmodSync(p.path('plant.key'), 0o644)],
]

describe('the gate of a pool', () => {
  it.each(breakages)('is shut by %s, and collecting goes on', async (_, code, breakIt) => {
    const plant = await openSmallPlant()
    breakIt(plant)
    const agent = await plant.start()
    const status = await untilStatus(agent, (s) => s.store.accepted >= 8)
    expect(status.gates.quality).toMatchObject({ state: 'shut', fault: { code } })
    expect(status.store.alarms).toMatchObject([{ key: 'gate:quality', code, until: null }])
    const pool = status.store.pools.quality!
    expect(pool.batches.sealed).toBe(0)
    expect(pool.accounts.pending).toBe(pool.accounts.accepted)
    expect(status.ledger_ok).toBe(true)
  })

  it('is shut by a TLS key that is not the certificate’s, and the agent answers', async () => {
    const plant = await openSmallPlant()
    const written = readFileSync(plant.config, 'utf8')
    const receipt_key = `"ed25519:${Buffer.alloc(32, 1).toString('base64')}"`
    writeFileSync(plant.path('client.pem'), CERTIFICATE)
    writeFileSync(plant.path('client.key'), PRIVATE_KEY)
    const tls = `tls: { cert: { file: client.pem }, key: { file: client.key } }`
    writeFileSync(
      plant.config,
      written.replace('dir: outgoing', `url: "https://127.0.0.1:1", receipt_key: ${receipt_key}, ${tls}`),
    )
    const agent = await plant.start()
    const status = await untilStatus(agent, (s) => s.store.accepted >= 8)
    expect(status.gates.quality).toMatchObject({ state: 'shut', fault: { code: 'pool-tls' } })
  })

  it('lets out what waited behind it once it is mended', async () => {
    const plant = await openSmallPlant()
    mkdirSync(plant.path('outgoing'))
    rmSync(plant.path('plant.key'))
    const shut = await plant.start()
    const waited = await untilStatus(shut, (s) => s.store.accepted >= 40)
    await shut[Symbol.asyncDispose]()

    writeKey(plant.path('plant.key'))
    const open = await plant.start()
    const status = await untilStatus(open, (s) => {
      const { accounts, batches } = s.store.pools.quality!
      return accounts.disclosed >= waited.store.accepted / 2 && batches.delivered > 0
    })
    expect(status.gates.quality!.state).toBe('open')
    expect(status.store.alarms.filter((a) => a.until === null)).toEqual([])
    expect(status.ledger_ok).toBe(true)
    expect(readdirSync(plant.path('outgoing')).filter((f) => f.endsWith('.parquet')).length).toBeGreaterThan(0)
  })
})

describe('a source whose configuration is wrong', () => {
  it('stays off and is shown with its line, and the other goes on', async () => {
    const plant = await openSmallPlant()
    const lines = readFileSync(plant.config, 'utf8').split('\n')
    const line = lines.findIndex((text) => text.startsWith('      press-8:')) + 1
    writeFileSync(
      plant.config,
      lines.map((text, i) => (i === line - 1 ? text.replace('period', 'perod') : text)).join('\n'),
    )
    const agent = await plant.start()
    const status = await untilStatus(agent, (s) => s.store.accepted >= 8)
    expect(status.sources).toMatchObject({
      'press-7-plc': { state: 'up', fault: null },
      'press-8-plc': {
        state: 'off',
        fault: { code: 'source-config', message: expect.stringContaining(`line ${line}: `) },
      },
    })
    expect(status.store.outages).toMatchObject([{ source: 'press-8-plc', reason: 'config', until: null }])
  })
})

describe('a control socket that cannot be made', () => {
  it('keeps nothing from being collected', async () => {
    const plant = await openSmallPlant()
    writeFileSync(plant.config, `${readFileSync(plant.config, 'utf8')}control: { socket: absent/sluice.sock }\n`)
    const agent = await plant.start()
    expect((await untilStatus(agent, (s) => s.store.accepted >= 8)).gates.quality!.state).toBe('open')
  })
})
