import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSigningKey } from '../../uplink/signature.ts'
import { writeKey } from '../support/key-file.ts'

/** The files of an agent and its pool for a proof. */
export interface ProofFiles {
  /** the agent's configuration */
  readonly config: string
  readonly poolConfig: string
  readonly dataDir: string
  readonly lake: string
  readonly pool: string
  /** length of a slot of every dataset, ms */
  readonly slot: number
}

const POOL = 'proof'
const SLOT = 10_000

/**
 * An agent that reads a Modbus server and the numbered messages of a broker, and one pool: a receiver on `pool.port`, or
 * the folder `pool.dir`. `via` is the address by which the agent reaches the receiver, and who vouches for it.
 */
export function writeProofFiles(
  folder: string,
  where: {
    readonly broker: string
    /** of MQTT; absent: the default of the product */
    readonly protocol?: string
    readonly modbusPort: number
    readonly pool:
      | { readonly port: number; readonly via?: { readonly url: string; readonly ca: string } }
      | { readonly dir: string }
  },
): ProofFiles {
  const path = (name: string): string => join(folder, name)
  const key = (name: string): string => parseSigningKey(writeKey(path(name))).id
  key('plant.key')
  const [contributor, receipts] = [key('signing.key'), key('receipt.key')]
  const contract = `version: 1
pool: ${POOL}
epochs: [2026-01-01]
asset_classes: [press]
datasets:
  counts:
    kind: stream
    grid: 10s
    cadence: 10s
    size_class: 8KiB
    columns:
      n: { meaning: last number seen, unit: "1", stat: last, range: [0, 10000000], step: 1, type: double }
      level: { meaning: a register, unit: "1", stat: mean, range: [0, 100000], step: 1 }
`
  writeFileSync(path('contract.yaml'), contract)
  const sha256 = createHash('sha256').update(contract).digest('hex')
  writeFileSync(
    path('policy.yaml'),
    `version: 1
pool: ${POOL}
contract: { file: contract.yaml, sha256: "${sha256}" }
profile: ml-stream
expires: 2040-12-31
plant_key: { file: plant.key }
assets: { press-7: { class: press } }
datasets:
  counts:
    n:     { from: "{asset}/n", range: [0, 10000000], step: 1, accept_risk: every number must be told apart }
    level: { from: "{asset}/level", range: [0, 100000], step: 500 }
`,
  )
  const { pool } = where
  const delivery =
    'dir' in pool
      ? `    dir: ${pool.dir}\n`
      : `    receipt_key: "${receipts}"\n${
          pool.via
            ? `    url: ${pool.via.url}\n    tls: { ca: { file: ${pool.via.ca} } }\n    timeout: 3s\n`
            : `    url: http://127.0.0.1:${pool.port}\n    timeout: 5m\n`
        }`
  writeFileSync(
    path('sluice.yaml'),
    `version: 1
gateway: { name: proof, data_dir: data }
sources:
  plc:
    kind: modbus
    host: 127.0.0.1
    port: ${where.modbusPort}
    timeout: 40s
    devices:
      press-7: { unit_id: 1, period: 2s, signals: { level: { holding: 0, unit: "1" }, spare: { holding: 1 } } }
  line:
    kind: mqtt
    url: ${where.broker}
${where.protocol ? `    protocol: "${where.protocol}"\n` : ''}    keepalive: 1h
    connect_timeout: 5m
    ack_within: 1s
    subscriptions:
      - topic: line/{asset}/count
        time: { path: $.ts, format: unix_ms }
        signals: { n: { path: $.n, type: uint32, unit: "1" }, idle: { path: $.idle, type: bool } }
buffer: { flush: 2s, keep_raw: 30d, max_age: 60d }
pools:
  ${POOL}:
    policy: policy.yaml
    signing_key: { file: signing.key }
${delivery}`,
  )
  if ('port' in pool)
    writeFileSync(
      path('pool.yaml'),
      `version: 1
listen: { host: 127.0.0.1, port: ${pool.port} }
data_dir: pool
receipt_key: { file: receipt.key }
pools:
  ${POOL}: { contract: contract.yaml, contributors: { plant: "${contributor}" } }
`,
    )
  return {
    config: path('sluice.yaml'),
    poolConfig: path('pool.yaml'),
    dataDir: path('data'),
    lake: path('pool/lake'),
    pool: POOL,
    slot: SLOT,
  }
}
