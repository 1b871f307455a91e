import { lookup } from 'node:dns/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Table } from '../../adapters/modbus/address.ts'
import { type ModbusClient, openModbusClient, type ReadResult } from '../../adapters/modbus/client.ts'
import type { ReadRequest } from '../../adapters/modbus/library.ts'
import { emptyScan, requestsOf, type ScanResult, type ScanTask, scan } from '../../adapters/modbus/scan.ts'
import { linkOf } from '../../adapters/modbus/transport-schema.ts'
import { loadConfig } from '../../config/load.ts'
import { Fault } from '../../core/fault.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { type CommonOptions, EXIT_FAILED, printJson, table } from './common.ts'

export interface ScanOptions extends CommonOptions {
  /** HOST or HOST:PORT, IPv6 in brackets where a port follows */
  readonly scan: string
  readonly units: readonly [number, number]
  readonly table: readonly Table[]
  readonly range: readonly [number, number]
  /** requests a second at most */
  readonly rate: number
  /** ms that each answer is waited for */
  readonly timeout: number
}

/**
 * `sluice probe --scan HOST`: unit ids that answer and the blocks they let read, over Modbus/TCP. One request at a time,
 * slowly, reads only. Ctrl-C, or a link that is lost, ends it with what was found until then.
 * @throws Fault `usage` where a running agent has the device open; source-* where it cannot be reached
 */
export async function scanDevice(options: ScanOptions): Promise<void> {
  const { host, port } = parseHost(options.scan)
  await refuseIfOpen(options.config, host, port)
  const [first, last] = options.units
  const units = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const task: ScanTask = { units, tables: options.table, range: options.range }
  announce(`${host}:${port}`, task, options)

  const found = emptyScan()
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.once('SIGINT', end)
  let failure: unknown
  try {
    await using device = makeReopening(options.rate, () =>
      openModbusClient(
        { timeout: options.timeout, min_gap: 0, max_in_flight: 1, max_requests_per_s: options.rate },
        { transport: 'tcp', host, port },
        {},
      ),
    )
    await scan(task, (request) => device.ask(request, stop.signal), found)
  } catch (error) {
    if (!stop.signal.aborted && !(error instanceof Fault && found.asked > 0)) throw error
    failure = stop.signal.aborted ? 'interrupted' : error
  } finally {
    process.removeListener('SIGINT', end)
  }
  if (failure !== undefined) {
    console.error(`sluice: ${failure instanceof Fault ? failure.line : failure}: this is what was found until then`)
    process.exitCode = EXIT_FAILED
  }
  if (options.json) return printJson({ host, port, complete: failure === undefined, ...found })
  print(found)
}

/** So many connections in a row that end without an answer end the scan. */
const CLOSED = 3
/** ms, so that a device that frees its connections late takes the next one */
const BEFORE_REOPENING = 500

/** Some gateways close the connection over a unit that is not there: it is opened again, and that unit was silent. */
function makeReopening(rate: number, open: () => Promise<ModbusClient>) {
  let client: ModbusClient | undefined
  let closed = 0
  return {
    async ask(request: ReadRequest, signal: AbortSignal): Promise<ReadResult> {
      client ??= await open()
      try {
        const answer = await client.read({ ...request, guess: true }, signal)
        if (answer.kind !== 'timeout') closed = 0
        return answer
      } catch (error) {
        if (signal.aborted || !(error instanceof Fault) || error.code !== 'source-closed' || ++closed >= CLOSED)
          throw error
        await client[Symbol.asyncDispose]()
        client = undefined
        await delay(Math.max(BEFORE_REOPENING, 1_000 / rate), undefined, { signal })
        return { kind: 'timeout' }
      }
    },
    async [Symbol.asyncDispose]() {
      await client?.[Symbol.asyncDispose]()
    },
  }
}

/** What will be done, before it is. */
function announce(at: string, task: ScanTask, { units, range, rate, timeout }: ScanOptions): void {
  const silent = (task.units.length * Math.max(timeout, 1_000 / rate)) / 1_000
  const [fewest, most] = requestsOf(task).map((n) => n - task.units.length)
  console.error(
    [
      `scanning ${at}: unit ids ${units.join('-')}, ${task.tables.join(', ')} ${range.join('-')}; reads only`,
      `at most ${rate} requests a second, never two at once; the unit ids take up to ${time(silent)},`,
      `each one found ${time(fewest! / rate)} where all can be read, up to ${time(most! / rate)} where nothing can; Ctrl-C shows what was found`,
    ].join('\n'),
  )
}

function time(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}

/** @throws Fault `usage` where the running agent of this configuration has the device open, or may have */
async function refuseIfOpen(file: string, host: string, port: number): Promise<void> {
  const { gateway, control, sources } = loadConfig(file)
  if (!gateway)
    return console.error(`sluice: no valid configuration in ${file}: whether an agent has the device open is not known`)
  const links = Object.entries(sources).flatMap(([name, entry]) => {
    if (entry.kind !== 'ok' || entry.config.kind !== 'modbus') return []
    const link = linkOf(entry.config)
    return link.transport === 'rtu' ? [] : [{ name, host: link.host, port: link.port }]
  })
  const wanted = await addressesOf(host)
  for (const link of links) {
    if (link.port !== port || !(await addressesOf(link.host)).some((address) => wanted.includes(address))) continue
    if (await agentRuns(socketPath(gateway.data_dir, control?.socket)))
      throw new Fault(
        'usage',
        { source: link.name, at: `${host}:${port}` },
        `the running agent has this device open, and many take only one client: \`sluice probe ${link.name}\` reads it through the agent; stop the agent to scan`,
      )
  }
}

/** An agent that is silent runs too. */
async function agentRuns(socket: string): Promise<boolean> {
  try {
    await askAgent(socket, 'status')
    return true
  } catch (error) {
    return !(error instanceof Fault && error.code === 'agent-absent')
  }
}

/** All addresses of a host, with its name, so that two ways to write it are one. */
async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true }).catch(() => [])
  return [host.toLowerCase(), ...found.map(({ address }) => address)]
}

function parseHost(text: string): { readonly host: string; readonly port: number } {
  const m = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/i.exec(text)
  const bare = m === null && /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) ? text : undefined
  const host = m?.[1] ?? m?.[2] ?? bare
  const port = Number(m?.[3] ?? 502)
  if (host === undefined || port < 1 || port > 65_535)
    throw new Fault('usage', {}, `--scan ${text}: write a host, or host:port, such as 10.0.4.17:502`)
  return { host, port }
}

function print({ units, asked, ignores_unit_id }: ScanResult): void {
  if (units.length === 0) return console.log(`${asked} unit ids asked, none answered`)
  if (ignores_unit_id)
    console.log(
      `all ${units.length} unit ids answered: the device does not look at them; unit ${units[0]!.unit_id} was read`,
    )
  else console.log(`${asked} unit ids asked, these answered: ${units.map((u) => u.unit_id).join(', ')}`)
  const rows = units.flatMap(({ unit_id, readable, unclear }) => [
    ...readable.map((b) => [`unit ${unit_id}`, b.table, `${b.from}–${b.to}`, `${b.to - b.from + 1} readable`]),
    ...unclear.map((b) => [`unit ${unit_id}`, b.table, `${b.from}–${b.to}`, b.reason]),
  ])
  if (rows.length > 0) console.log(table(rows))
}
