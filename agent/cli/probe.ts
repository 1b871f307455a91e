import type { ProbeReading } from '../../adapters/source.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { openSource, type SourceConfig } from '../daemon/sources.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, table } from './common.ts'

/**
 * `sluice probe [SOURCE]`: reads once and shows the decoded values. Goes through the running agent and its queue, so
 * that a PLC never sees two clients; opens the sources itself where no agent runs.
 */
export async function probe(source: string | undefined, options: CommonOptions): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const found = await throughAgent(socketPath(loaded.gateway.data_dir, loaded.control?.socket), source)
  if (found) return print(found, options)

  const wanted = Object.entries(loaded.sources).filter(([name]) => source === undefined || name === source)
  if (wanted.length === 0) throw new Fault('usage', source === undefined ? {} : { source }, 'there is no such source')
  const readings: ProbeReading[] = []
  for (const [name, entry] of wanted) {
    try {
      if (entry.kind === 'bad') throw new Fault('source-config', { source: name }, 'its configuration is not valid')
      readings.push(...(await readOnce(name, entry.config)))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      console.error(`sluice: ${error.line}`)
      process.exitCode = EXIT_FAILED
    }
  }
  print(readings, options)
}

/** @returns undefined where no agent runs */
async function throughAgent(socket: string, source: string | undefined): Promise<readonly ProbeReading[] | undefined> {
  try {
    return (await askAgent(socket, 'probe', source)) as readonly ProbeReading[]
  } catch (error) {
    if (error instanceof Fault && error.code === 'agent-absent') return undefined
    throw error
  }
}

async function readOnce(name: string, config: SourceConfig): Promise<readonly ProbeReading[]> {
  const context = {
    name,
    clock: makeClock(),
    log: silentLog,
    transient: true,
    marks: async () => [],
  }
  await using source = await openSource(config, context)
  return await source.probe(new AbortController().signal)
}

function print(readings: readonly ProbeReading[], options: CommonOptions): void {
  if (readings.some((r) => r.quality === 'bad')) process.exitCode = EXIT_FAILED
  if (options.json) return printJson(readings)
  if (readings.length === 0) return
  const rows = readings.map((r) => [
    `${r.asset}/${r.signal}`,
    r.value === null ? '-' : String(r.value),
    r.unit ?? '',
    r.reason === '' ? r.quality : `${r.quality}: ${r.reason}`,
    [r.source, r.device].filter((part) => part !== null).join('/'),
    r.raw ?? '',
  ])
  console.log(table([['signal', 'value', 'unit', 'quality', 'from', 'raw'], ...rows]))
}
