import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSigningKey } from '../../uplink/signature.ts'
import { HALL, PRESSES } from './plant.ts'

/** Id of the demo's pool. */
export const DEMO_POOL = 'demo-quality'
/** Window of the table `press-table`, ms. */
export const TABLE_WINDOW = 600_000

/** Where the simulated plant listens. */
export interface PlantAddresses {
  /** Modbus TCP port of each press, on loopback */
  readonly press_ports: readonly number[]
  /** `mqtt://…` */
  readonly broker_url: string
}

/** Holding and input registers of a press's PLC, as its manual would list them: address from 0, type. */
export const PRESS_REGISTERS = {
  oil_temperature: { table: 'holding', address: 100, type: 'float32' },
  pressure: { table: 'holding', address: 102, type: 'float32' },
  vibration: { table: 'holding', address: 104, type: 'float32' },
  state: { table: 'holding', address: 106, type: 'uint16' },
  cycles: { table: 'input', address: 30, type: 'uint32' },
} as const

/** Plant time (ms) between two messages of the hall's climate sensor and of the inspection station. */
export const MESSAGE_PERIOD = 10_000

/** Where the demo's files lie. All of them are ordinary: `sluice check` and an editor take them as they are. */
export interface DemoFiles {
  /** configuration of the receiver, `sluice-pool serve --config` */
  readonly pool: string
  /** the receiver's lake */
  readonly lake: string
  /** Writes the agent's configuration for a receiver that listens at `url`, and returns its path. */
  configure(url: string): string
}

/**
 * Writes contract, policy, keys and both configurations into `folder`: what the steward, the operator and the pool
 * would each have written. Keys are new each time and of mode 0600.
 */
export function writeDemoFiles(folder: string, plant: PlantAddresses): DemoFiles {
  const path = (name: string): string => join(folder, name)
  const write = (name: string, text: string): string => {
    writeFileSync(path(name), text)
    return text
  }
  const key = (name: string): string => {
    const text = randomBytes(32).toString('base64')
    writeFileSync(path(name), `${text}\n`, { mode: 0o600 })
    return parseSigningKey(text).id
  }
  mkdirSync(folder, { recursive: true })

  key('plant.key')
  const contributor = key('signing.key')
  const receipts = key('receipt.key')
  const contract = write(`${DEMO_POOL}.contract.yaml`, contractYaml())
  write('disclosure.yaml', policyYaml(createHash('sha256').update(contract).digest('hex')))
  write('pool.yaml', poolYaml(contributor))
  return {
    pool: path('pool.yaml'),
    lake: path('pool/lake'),
    configure(url) {
      write('sluice.yaml', sluiceYaml(plant, { url, receipt_key: receipts }))
      return path('sluice.yaml')
    },
  }
}

/** The operator's file. */
function sluiceYaml(plant: PlantAddresses, pool: { readonly url: string; readonly receipt_key: string }): string {
  const at = (name: keyof typeof PRESS_REGISTERS): string => {
    const { table, address, type } = PRESS_REGISTERS[name]
    return `${table}: ${address}, type: ${type}`
  }
  const press = (name: string, i: number): string => `
  ${name}-plc:                            # one connection
    kind: modbus
    host: 127.0.0.1
    port: ${plant.press_ports[i]}
    timeout: 1m                           # fast clock
    devices:
      ${name}:                            # the device's name is the asset's, unless \`asset\` says otherwise
        unit_id: 1
        period: 2s
        signals:
          oil_temperature: { ${at('oil_temperature')}, unit: Cel }
          pressure:        { ${at('pressure')}, unit: bar }
          vibration:       { ${at('vibration')}, unit: mm/s }
          state:           { ${at('state')}, labels: { 0: idle, 1: run, 2: fault } }
          cycles:          { ${at('cycles')}, unit: "{count}" }
`
  return `# What the operator writes: where the readings come from, and who may have some of them.
#
# The demo's clock runs many times as fast as the machine's. Values marked "fast clock" are longer than a plant needs,
# because a second of plant time is a few milliseconds for the machine.
version: 1
gateway: { name: demo-gateway, data_dir: data }     # the name never leaves the plant

sources:${PRESSES.map(press).join('')}
  hall-and-line:
    kind: mqtt
    url: ${plant.broker_url}
    protocol: 3.1.1
    keepalive: 1h                         # fast clock
    connect_timeout: 5m                   # fast clock
    ack_within: 10s                       # fast clock
    subscriptions:
      - topic: hall/{asset}/climate       # the topic says which place
        time: { path: $.ts, format: unix_ms }
        cadence: { kind: periodic, every: ${MESSAGE_PERIOD / 1000}s }
        signals:
          temperature: { path: $.t, unit: Cel }
          humidity:    { path: $.rh, unit: "%" }
      - topic: line/{asset}/quality
        time: { path: $.ts, format: unix_ms }
        cadence: { kind: periodic, every: ${MESSAGE_PERIOD / 1000}s }
        signals:
          good:  { path: $.good, type: uint32, unit: "{count}" }
          ng:    { path: $.ng, type: uint32, unit: "{count}" }
          total: { path: $.total, type: uint32, unit: "{count}" }

buffer: { flush: 30s, max_size: 200MB }   # flush: fast clock

pools:
  ${DEMO_POOL}:
    url: ${pool.url}
    policy: disclosure.yaml
    signing_key: { file: signing.key }    # the plant's account with the pool
    receipt_key: "${pool.receipt_key}"
    timeout: 10m                          # fast clock
`
}

/** The data steward's file. @param contractSha256 hex */
function policyYaml(contractSha256: string): string {
  const assets = PRESSES.map((press) => `  ${press}: { class: press.hydraulic, place: ${HALL} }\n`).join('')
  const conditions = `
    oil_temperature_mean: { from: "{asset}/oil_temperature", range: [20, 100], step: 0.8 }
    pressure_max:         { from: "{asset}/pressure", range: [0, 250], step: 2.5 }
    vibration_mean:       { from: "{asset}/vibration", range: [0, 20], step: 0.2 }
    temperature_mean:     { from: "{place}/temperature", range: [0, 50], step: 0.5 }
    humidity_mean:        { from: "{place}/humidity", range: [0, 100], step: 1 }`
  return `# What the data steward writes: what leaves, and how coarse. What is not named here stays inside: the machines' states,
# cycle counts and part counts do, and no rule of the operator's file can change that.
version: 1
pool: ${DEMO_POOL}
contract: { file: ${DEMO_POOL}.contract.yaml, sha256: "${contractSha256}" }
profile: balanced
expires: 2040-12-31                       # after that nothing is sealed
plant_key: { file: plant.key }            # what pseudonyms are made with; it never leaves
assets:                                   # exactly these have rows, under a pseudonym
${assets}datasets:
  press-stream:                           # one row a minute and press${conditions}
  press-table:                            # one row ten minutes and press, to train on${conditions}
    # Shown only for windows with at least 500 parts; the number of parts itself is the volume, and stays inside.
    defect_rate:          { rate: { of: "{asset}/ng", over: "{asset}/total", kind: counter, floor: 500 }, range: [0, 0.25], step: 0.0025 }
`
}

/** The pool's file: what every plant's rows mean. */
function contractYaml(): string {
  const conditions = `
      oil_temperature_mean: { meaning: temperature of the hydraulic oil, unit: Cel, stat: mean, range: [-20, 150], step: 0.1 }
      pressure_max: { meaning: highest pressure of the main cylinder, unit: bar, stat: max, range: [0, 400], step: 0.5 }
      vibration_mean: { meaning: vibration velocity of the pump (RMS), unit: mm/s, stat: mean, range: [0, 50], step: 0.05 }
      temperature_mean: { meaning: air temperature in the hall, unit: Cel, stat: mean, range: [-30, 60], step: 0.1 }
      humidity_mean: { meaning: relative humidity in the hall, unit: "%", stat: mean, range: [0, 100], step: 0.5 }`
  return `# What the pool publishes: the tables that plants of several companies fill in the same way. A plant's policy pins this file
# by its hash and may only be coarser.
version: 1
pool: ${DEMO_POOL}
epochs: [2026-01-01]                      # pseudonyms change at each
asset_classes: [press.hydraulic, press.servo]
datasets:
  press-stream:
    kind: stream
    grid: 1m
    cadence: 10m                          # a batch of this many slots at a time
    columns:${conditions}
  press-table:
    kind: table
    window: ${TABLE_WINDOW / 60_000}m
    cadence: ${TABLE_WINDOW / 60_000}m
    columns:${conditions}
      defect_rate: { meaning: share of parts that failed inspection, unit: "1", stat: rate, range: [0, 1], step: 0.0005 }
`
}

/** The receiver's configuration. @param contributor public signing key of the plant, `ed25519:…` */
function poolYaml(contributor: string): string {
  return `# What the pool's operator writes.
version: 1
listen: { host: 127.0.0.1, port: 0 }      # 0: any free port
data_dir: pool
receipt_key: { file: receipt.key }
pools:
  ${DEMO_POOL}:
    contract: ${DEMO_POOL}.contract.yaml
    contributors:
      demo-plant: "${contributor}"
`
}
