import { type CostFit, costLine, fitCost, type ProposedCost, proposeCost } from '../../adapters/modbus/cost-fit.ts'
import { TIMING } from '../../adapters/modbus/cost-probe.ts'
import { milliseconds } from '../../adapters/modbus/load.ts'
import { describeReads, readCost } from '../../adapters/modbus/plan.ts'
import type { ModbusSourceConfig } from '../../adapters/modbus/schema.ts'
import type { TimedReads } from '../../adapters/source.ts'
import { Fault } from '../../core/fault.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { timedReads } from '../daemon/probe.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, table, unlessAbsent } from './common.ts'
import { openAlone } from './probe.ts'

/** ms; longer than a slow line takes: 36 reads of 125 registers at 1200 baud, each behind those of the agent. */
const PATIENCE = 900_000

/**
 * `sluice probe SOURCE --cost`: times short and long reads, through the running agent where there is one, and prints what
 * to configure as `cost`. Nothing is changed by it.
 */
export async function probeCost(source: string | undefined, options: CommonOptions): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  if (source === undefined) throw new Fault('usage', {}, 'name the source: `sluice probe SOURCE --cost`')
  const entry = loaded.sources[source]
  if (entry?.kind !== 'ok' || entry.config.kind !== 'modbus')
    throw new Fault('usage', { source }, 'there is no such Modbus source, or it is not valid')
  const { config } = entry
  const { most_devices, pairs, reads_per_s } = TIMING
  console.error(
    `timing ${source}: each of at most ${most_devices} devices is read once, then ${pairs} short and ${pairs} long reads of its signals; at most ${reads_per_s} a second, never two at once`,
  )
  const socket = socketPath(loaded.gateway.data_dir, loaded.control?.socket)
  const timed = ((await unlessAbsent(askAgent(socket, 'cost', source, PATIENCE))) ??
    (await alone(source, config))) as readonly TimedReads[]

  const devices = timed.map(fitCost)
  const fits = devices.filter((one) => 'turns' in one)
  const proposed = proposeCost(fits, readCost(config), config.cost?.register)
  if (!proposed) process.exitCode = EXIT_FAILED
  if (options.json) return printJson({ source, devices, propose: proposed && costLine(proposed) })
  if (fits.length > 0) printFits(fits)
  for (const one of devices) if ('why' in one) console.log(`${one.device}: ${one.why}`)
  if (proposed) printProposal(source, config, proposed)
  else console.log('nothing is proposed: no device answered a short and a long read often enough')
}

async function alone(name: string, config: ModbusSourceConfig): Promise<readonly TimedReads[]> {
  await using source = await openAlone(name, config)
  return await timedReads(name, source, new AbortController().signal)
}

function printFits(fits: readonly CostFit[]): void {
  const rows = fits.map(({ device, short, long, short_ms, long_ms, slower, turns }) => [
    device,
    short.what,
    milliseconds(short_ms),
    long.what,
    milliseconds(long_ms),
    `${slower} of ${turns}`,
  ])
  console.log(table([['device', 'short read', 'median', 'long read', 'median', 'longer in'], ...rows]))
  if (fits.every(({ register_ms }) => register_ms === null))
    console.log('the long reads were not slower often enough to tell what a register costs: that is left as it is')
}

function printProposal(source: string, config: ModbusSourceConfig, proposed: ProposedCost): void {
  const { request_ms, register_ms } = readCost(config)
  const rows = [['now', { request: request_ms, register: register_ms }] as const, ['measured', proposed] as const].map(
    ([name, cost]) => {
      const requests = describeReads(source, { ...config, cost }).length
      return [name, costLine(cost), requests === 1 ? '1 request planned' : `${requests} requests planned`]
    },
  )
  console.log(`\n${table(rows)}\n\n# sources.${source}\n${costLine(proposed)}`)
}
