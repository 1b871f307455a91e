import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { silentLog } from '../../core/log.ts'
import { loadSetup } from '../../pool/receiver/config.ts'
import type { PoolReport } from '../../pool/receiver/report.ts'
import { openReceiver, type Receiver } from '../../pool/receiver/server.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { writeKey } from './key-file.ts'
import type { SmallPlant } from './small-plant.ts'

/** The reference pool for a small plant, with a contract, policy and keys of its own. */
export interface PlantPool {
  readonly name: string
  readonly port: number
  /** Its entry in the plant's configuration. @param url where the plant sends to @param options more lines, flow style */
  entry(url?: string, options?: string): string
  report(): PoolReport
  /** Starts it again, on its port. @param contract what the text of its contract becomes */
  restart(contract?: (text: string) => string): Promise<void>
  stop(): Promise<void>
}

/** Adds the pool's files to the plant, and starts it. Stopped with the test. */
export async function openPlantPool(plant: SmallPlant, name: string): Promise<PlantPool> {
  const at = (file: string): string => plant.path(`${name}.${file}`)
  const contract = readFileSync(plant.path('contract.yaml'), 'utf8').replace('pool: quality', `pool: ${name}`)
  const sha256 = createHash('sha256').update(contract).digest('hex')
  const policy = readFileSync(plant.path('policy.yaml'), 'utf8')
    .replace('pool: quality', `pool: ${name}`)
    .replace(/contract: .*/, `contract: { file: ${name}.contract.yaml, sha256: "${sha256}" }`)
  writeFileSync(at('contract.yaml'), contract)
  writeFileSync(at('policy.yaml'), policy)
  const plantKey = parseSigningKey(writeKey(at('signing.key'))).id
  mkdirSync(at('pool'))
  const receiptKey = writeKey(at('pool/receipt.key'))
  writeFileSync(at('pool/contract.yaml'), contract)

  let receiver: Receiver | undefined
  let port = 0
  async function stop(): Promise<void> {
    await receiver?.[Symbol.asyncDispose]()
    receiver = undefined
  }
  async function restart(change = (text: string): string => text): Promise<void> {
    await stop()
    writeFileSync(at('pool/contract.yaml'), change(contract))
    writeFileSync(
      at('pool/pool.yaml'),
      `version: 1
listen: { port: ${port} }
data_dir: data
receipt_key: { file: receipt.key }
pools: { ${name}: { contract: contract.yaml, contributors: { plant: "${plantKey}" } } }
`,
    )
    receiver = await openReceiver(loadSetup(at('pool/pool.yaml')), silentLog)
    port = Number(new URL(receiver.url).port)
  }
  await restart()
  onTestFinished(stop)
  return {
    name,
    port,
    entry: (url = `http://127.0.0.1:${port}`, options = '') =>
      `  ${name}: { url: "${url}", policy: ${name}.policy.yaml, signing_key: { file: ${name}.signing.key }, receipt_key: "${parseSigningKey(receiptKey).id}"${options && `, ${options}`} }\n`,
    report: () => receiver!.report()[0]!,
    restart,
    stop,
  }
}

/** Replaces the pools of the plant's configuration. */
export function configurePools(plant: SmallPlant, entries: readonly string[]): void {
  const text = readFileSync(plant.config, 'utf8').replace(/^pools:\n.*/ms, `pools:\n${entries.join('')}`)
  writeFileSync(plant.config, text)
}
