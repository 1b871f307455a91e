import { setTimeout as delay } from 'node:timers/promises'
import { isBitTable } from '../../adapters/modbus/address.ts'
import { deviceSchema } from '../../adapters/modbus/device-schema.ts'
import { bestOf, type Candidate, explain, PLAUSIBLE, registersToExplain } from '../../adapters/modbus/explain.ts'
import { candidateLine } from '../../adapters/modbus/explain-line.ts'
import { type PlannedDevice, type PlannedSignal, planModbusSource } from '../../adapters/modbus/plan.ts'
import type { ModbusSourceConfig } from '../../adapters/modbus/schema.ts'
import type { ProbeReading } from '../../adapters/source.ts'
import { Fault } from '../../core/fault.ts'
import { socketPath } from '../daemon/control.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, table } from './common.ts'
import { readOnce, throughAgent } from './probe.ts'

export interface ExplainOptions extends CommonOptions {
  /** the signal's name, with its asset in front where that is not enough */
  readonly explain: string
  /** how often the registers are read */
  readonly reads: number
}

/** Between two reads, so that a value that jumps shows. Milliseconds. */
const BETWEEN = 1_000

/** `sluice probe SOURCE --explain SIGNAL`: its registers in every type and order, and the line to configure it by. */
export async function explainSignal(source: string | undefined, options: ExplainOptions): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  if (source === undefined) throw new Fault('usage', {}, 'name the source: `sluice probe SOURCE --explain SIGNAL`')
  const entry = loaded.sources[source]
  if (entry?.kind !== 'ok' || entry.config.kind !== 'modbus')
    throw new Fault('usage', { source }, 'there is no such Modbus source, or it is not valid')
  const { device, signal } = find(source, entry.config, options.explain)
  const name = signal.id.slice(device.asset.length + 1)
  const socket = socketPath(loaded.gateway.data_dir, loaded.control?.socket)
  const reads: Buffer[] = []
  for (let i = 0; i < options.reads; i++) {
    if (i > 0) await delay(BETWEEN)
    const asked = await throughAgent(socket, source)
    const readings = asked?.readings ?? (await aroundIt(source, entry.config, device, signal))
    const places = asked ? planModbusSource(source, entry.config) : undefined
    reads.push(
      registersOf(
        signal,
        places ? knownTo(readings, signal, places.devices.find((d) => d.name === device.name)!) : knownAlone(readings),
      ),
    )
  }
  const shortest = Math.min(...reads.map((data) => data.length))
  if (shortest < signal.size * 2) {
    console.error(`sluice: ${signal.id}: its registers could not be read: \`sluice probe ${source}\` says why`)
    process.exitCode = EXIT_FAILED
    return
  }
  const same = reads.map((data) => data.subarray(0, shortest))
  const own = entry.config.devices[device.name]!
  const candidates = explain(signal, own.signals[name]?.range, same)
  const best = bestOf(signal, candidates)
  const inherited = own.byte_order ?? entry.config.byte_order
  const line = best && candidateLine(name, own.signals[name]!, best, inherited)
  const place = { source, device: device.name, signal: signal.id, table: signal.table, address: signal.address }
  if (options.json) return printJson({ ...place, raw: same.map(hex), candidates, propose: line ?? null })
  print(signal, same, candidates, best)
  console.log(
    line === undefined
      ? '\nnothing plausible: check the address and the table, declare its `range`, or read while its value is known'
      : `${doubt(best!, candidates)}\n# sources.${source}.devices.${device.name}.signals\n${line}`,
  )
}

/** @throws Fault `usage` where there is no such signal, or several, or one of a single bit */
function find(source: string, config: ModbusSourceConfig, wanted: string) {
  const all = planModbusSource(source, config).devices.flatMap((device) =>
    device.signals.map((signal) => ({ device, signal })),
  )
  const found = all.filter(({ device, signal }) =>
    [signal.id, signal.id.slice(device.asset.length + 1)].includes(wanted),
  )
  const [only, second] = found
  if (!only) throw new Fault('usage', { source }, `it has no signal ${wanted}`)
  if (second)
    throw new Fault('usage', { source }, `several have it: write one of ${found.map((f) => f.signal.id).join(', ')}`)
  if (isBitTable(only.signal.table))
    throw new Fault('usage', { source }, `${only.signal.id} is a ${only.signal.table}: one bit, which has no order`)
  return only
}

/** Reads the registers of the signal, and those behind it where they may be read, by themselves. */
function aroundIt(
  source: string,
  config: ModbusSourceConfig,
  device: PlannedDevice,
  { table, address, size }: PlannedSignal,
): Promise<readonly ProbeReading[]> {
  const { unit_id, max_registers, max_bits, forbidden } = config.devices[device.name]!
  const wanted = Array.from({ length: registersToExplain({ address, size }) }, (_, i) => address + i)
  const allowed = wanted.filter(
    (at) => at < address + size || !forbidden.some((f) => f.table === table && at >= f.from && at <= f.to),
  )
  const signals = Object.fromEntries(allowed.map((at) => [`r${at}`, { [table]: at }]))
  const together = size > 1 ? [Array.from({ length: size }, (_, i) => `r${address + i}`)] : []
  const words = deviceSchema.parse({ unit_id, max_registers, max_bits, together, signals })
  return readOnce(source, { ...config, devices: { [device.name]: words } })
}

/** Registers by address, of what `aroundIt` read. */
function knownAlone(readings: readonly ProbeReading[]): ReadonlyMap<number, string> {
  return new Map(readings.flatMap((r) => (r.raw === null ? [] : [[Number(r.signal.slice(1)), r.raw] as const])))
}

/** Registers by address, of what the running agent read for all signals of the device in that table. */
function knownTo(
  readings: readonly ProbeReading[],
  { table }: PlannedSignal,
  { signals }: PlannedDevice,
): ReadonlyMap<number, string> {
  const raw = new Map(readings.map((r) => [`${r.asset}/${r.signal}`, r.raw]))
  return new Map(
    signals
      .filter((s) => s.table === table)
      .flatMap(({ id, address }) => (raw.get(id)?.split(' ') ?? []).map((word, i) => [address + i, word] as const)),
  )
}

/** The known registers from the signal's first one on, up to a gap. */
function registersOf(signal: PlannedSignal, known: ReadonlyMap<number, string>): Buffer {
  const words: string[] = []
  for (let i = 0; i < registersToExplain(signal); i++) {
    const word = known.get(signal.address + i)
    if (word === undefined) break
    words.push(word)
  }
  return Buffer.from(words.join(''), 'hex')
}

function print(signal: PlannedSignal, reads: readonly Buffer[], all: readonly Candidate[], best?: Candidate): void {
  const last = signal.address + reads[0]!.length / 2 - 1
  const place = last === signal.address ? String(last) : `${signal.address}–${last}`
  console.log(`${signal.id}: ${signal.table} ${place}, configured ${signal.type} ${signal.byte_order}`)
  for (const data of reads) console.log(`  ${hex(data)}`)
  const rows = all.map((c) => [
    c === best ? '=>' : c.plausible ? ' *' : '',
    String(c.registers),
    c.byte ? `${c.type} ${c.byte}` : c.type,
    c.byte_orders.join(' '),
    [...new Set(c.values)].map((v) => (/\p{Cc}/u.test(v) ? JSON.stringify(v) : v)).join(', '),
    c.why,
  ])
  console.log(`\n${table([['', 'registers', 'type', 'order', 'values', 'against it'], ...rows])}`)
  console.log(`\n* plausible: ${PLAUSIBLE.join('\n  ')}`)
}

/** One look at registers often leaves several orders. */
function doubt(best: Candidate, all: readonly Candidate[]): string {
  const rivals = all.filter((c) => c.plausible && c.type === best.type && c !== best)
  if (rivals.length === 0) return ''
  return `\n${best.type} is plausible in other orders too: compare with the display of the device, or declare its \`range\`\n`
}

function hex(data: Buffer): string {
  return data.toString('hex').replace(/(.{4})(?=.)/g, '$1 ')
}
