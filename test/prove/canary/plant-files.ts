import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSigningKey } from '../../../uplink/signature.ts'
import { writeKey } from '../../support/key-file.ts'
import type { Canary } from './forms.ts'

/** Loopback addresses at which nothing else listens: hosts of the plant that can be told apart in what leaves. */
export const HOSTS = { plc: '127.61.83.207', broker: '127.94.172.38' } as const

/** A plant whose every name occurs nowhere else, with one pool behind https and one that is a folder. */
export interface CanaryFiles {
  readonly config: string
  readonly poolConfig: string
  readonly dataDir: string
  readonly lake: string
  /** of the directory pool */
  readonly outgoing: string
  /** where the counter of the line publishes */
  readonly topic: string
  /** names of its messages' fields that have a signal */
  readonly fields: Readonly<Record<'heat' | 'state' | 'lot', string>>
  readonly canaries: readonly Canary[]
}

/** @param where what the plant talks to; `ca` is who vouches for the pool */
export function writeCanaryFiles(
  folder: string,
  where: {
    readonly plc: number
    readonly broker: number
    readonly pool: number
    readonly via: number
    readonly ca: string
  },
): CanaryFiles {
  const canaries: Canary[] = [
    { what: 'host of the PLC', text: HOSTS.plc },
    { what: 'host of the broker', text: HOSTS.broker },
  ]
  /** A name that says what it is and is found nowhere else. */
  function tag(what: string): string {
    const text = `${what.replaceAll(' ', '-')}-${randomBytes(6).toString('hex')}`
    canaries.push({ what, text })
    return text
  }
  const path = (name: string): string => join(folder, name)
  function key(what: string): { readonly file: string; readonly id: string } {
    const file = tag(`${what} file`)
    const text = writeKey(path(file))
    canaries.push({ what: `${what}, its text`, text }, { what: `${what}, its bytes`, text: hexOf(text) })
    return { file, id: parseSigningKey(text).id }
  }

  const names = {
    gateway: tag('gateway'),
    dataDir: tag('data folder'),
    plcSource: tag('source plc'),
    lineSource: tag('source line'),
    press: tag('press'),
    oven: tag('oven'),
    hall: tag('hall'),
    oil: tag('signal oil'),
    spare: tag('signal spare'),
    heat: tag('signal heat'),
    state: tag('signal state'),
    lot: tag('signal lot'),
    field: tag('field heat'),
    stateField: tag('field state'),
    lotField: tag('field lot'),
    topic: tag('topic'),
    client: tag('client id'),
    policy: tag('policy file'),
    reason: tag('reason of a risk'),
  }
  const [plant, signing] = [key('plant key'), key('signing key')]
  const receipts = parseSigningKey(writeKey(path('receipt.key')))
  const outgoing = path(tag('outgoing folder'))
  mkdirSync(outgoing)
  for (const pool of ['lake', 'drawer']) {
    const contract = contractOf(pool)
    writeFileSync(path(`${pool}.contract.yaml`), contract)
    const sha256 = createHash('sha256').update(contract).digest('hex')
    writeFileSync(
      path(`${names.policy}.${pool}.yaml`),
      `version: 1
pool: ${pool}
contract: { file: ${pool}.contract.yaml, sha256: "${sha256}" }
profile: ml-stream
expires: 2040-12-31
plant_key: { file: ${plant.file} }
assets:
  ${names.press}: { class: press, place: ${names.hall}, cycle_time: 2s }
  ${names.oven}: { class: press, place: ${names.hall}, cycle_time: 2s }
datasets:
  stream:
    oil:   { from: "{asset}/${names.oil}", range: [0, 200], step: 0.5 }
    heat:  { from: "{asset}/${names.heat}", range: [0, 2000], step: 5 }
    peak:  { from: "{asset}/${names.heat}", range: [0, 2000], step: 1, accept_risk: ${names.reason} }
    state: { from: "{asset}/${names.state}" }
`,
    )
  }
  const registers = `${names.oil}: { holding: 1200, type: float32, unit: Cel }, ${names.spare}: { holding: 1202, type: float32 }`
  writeFileSync(
    path('sluice.yaml'),
    `version: 1
gateway: { name: ${names.gateway}, data_dir: ${names.dataDir} }
sources:
  ${names.plcSource}:
    kind: modbus
    host: ${HOSTS.plc}
    port: ${where.plc}
    timeout: 40s
    devices:
      ${names.press}: { unit_id: 1, period: 2s, signals: { ${registers} } }
      ${names.oven}: { unit_id: 2, period: 2s, signals: { ${registers} } }
  ${names.lineSource}:
    kind: mqtt
    url: mqtt://${HOSTS.broker}:${where.broker}
    client_id: ${names.client}
    keepalive: 1h
    connect_timeout: 5m
    subscriptions:
      - topic: ${names.topic}/{asset}
        time: { path: $.ts, format: unix_ms }
        signals:
          ${names.heat}: { path: $.${names.field}, type: float64, unit: Cel }
          ${names.state}: { path: $.${names.stateField}, type: string }
          ${names.lot}: { path: $.${names.lotField}, type: string }
buffer: { flush: 2s }
pools:
  lake:
    url: https://127.0.0.1:${where.via}
    tls: { ca: { file: ${where.ca} } }
    receipt_key: "${receipts.id}"
    timeout: 5m
    policy: ${names.policy}.lake.yaml
    signing_key: { file: ${signing.file} }
  drawer:
    dir: ${outgoing}
    policy: ${names.policy}.drawer.yaml
    signing_key: { file: ${signing.file} }
`.replaceAll(/path: \$\.([\w-]+)/g, 'path: \'$["$1"]\''),
  )
  writeFileSync(
    path('pool.yaml'),
    `version: 1
listen: { host: 127.0.0.1, port: ${where.pool} }
data_dir: pool
receipt_key: { file: receipt.key }
pools: { lake: { contract: lake.contract.yaml, contributors: { plant: "${signing.id}" } } }
`,
  )
  return {
    config: path('sluice.yaml'),
    poolConfig: path('pool.yaml'),
    dataDir: path(names.dataDir),
    lake: path('pool/lake'),
    outgoing,
    topic: `${names.topic}/${names.press}`,
    fields: { heat: names.field, state: names.stateField, lot: names.lotField },
    canaries,
  }
}

function contractOf(pool: string): string {
  return `version: 1
pool: ${pool}
epochs: [2026-01-01]
asset_classes: [press]
max_wait: 40s
datasets:
  stream:
    kind: stream
    grid: 10s
    cadence: 20s
    size_class: 16KiB
    columns:
      oil: { meaning: oil, unit: Cel, stat: mean, range: [0, 200], step: 0.5 }
      heat: { meaning: heat, unit: Cel, stat: mean, range: [0, 2000], step: 1, type: double }
      peak: { meaning: heat, unit: Cel, stat: max, range: [0, 2000], step: 1, type: double }
      state: { meaning: state, type: category, stat: last, vocabulary: [run, idle] }
`
}

/** The bytes of a key as a text of one byte a character cannot be sought; their hexadecimal form is. */
function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}
