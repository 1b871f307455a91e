import type { ProbeReading, Source } from '../../adapters/source.ts'
import type { LoadedSource } from '../../config/load-sources.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { type Probed, probeEach } from '../daemon/probe.ts'
import { openSource, type SourceConfig } from '../daemon/sources.ts'
import { fromData } from '../daemon/worker-port.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, some, table, unlessAbsent } from './common.ts'

/**
 * `sluice probe [SOURCE]`: reads once and shows the decoded values. Goes through the running agent and its queue, so
 * that a PLC never sees two clients; opens the sources itself where no agent runs.
 */
export async function probe(
  source: string | undefined,
  options: CommonOptions & { readonly listen: number },
): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const probed =
    (await throughAgent(socketPath(loaded.gateway.data_dir, loaded.control?.socket), source)) ??
    (await alone(loaded.sources, source, options.listen))
  for (const fault of probed.faults) console.error(`sluice: ${fromData(fault).line}`)
  if (probed.faults.length > 0) process.exitCode = EXIT_FAILED
  print(probed.readings, options)
}

/** What the running agent reads for us. @returns undefined where no agent runs */
export async function throughAgent(socket: string, source: string | undefined): Promise<Probed | undefined> {
  return (await unlessAbsent(askAgent(socket, 'probe', source))) as Probed | undefined
}

function alone(
  sources: Readonly<Record<string, LoadedSource>>,
  source: string | undefined,
  listen_ms: number,
): Promise<Probed> {
  const names = Object.keys(sources).filter((name) => source === undefined || name === source)
  if (names.length === 0) throw new Fault('usage', source === undefined ? {} : { source }, 'there is no such source')
  return probeEach(names, async (name) => {
    const entry = sources[name]!
    if (entry.kind === 'bad') throw new Fault('source-config', { source: name }, 'its configuration is not valid')
    return readOnce(name, entry.config, listen_ms)
  })
}

/** Opens a source beside no agent, reads it once and closes it. */
export async function readOnce(name: string, config: SourceConfig, listen_ms = 0): Promise<readonly ProbeReading[]> {
  await using source = await openAlone(name, config)
  return await source.probe(new AbortController().signal, listen_ms)
}

/** Opens a source beside no agent; it leaves nothing behind at the other side. */
export function openAlone(name: string, config: SourceConfig): Promise<Source> {
  const context = { name, clock: makeClock(), log: silentLog, transient: true, marks: async () => [] }
  return openSource(config, context)
}

function print(readings: readonly ProbeReading[], options: CommonOptions): void {
  if (readings.some((r) => r.quality === 'bad')) process.exitCode = EXIT_FAILED
  if (options.json) return printJson(readings)
  if (readings.length === 0) return
  const rows = readings.map((r) => [
    `${r.asset}/${r.signal}`,
    r.value === null ? '-' : r.meaning === undefined ? String(r.value) : `${r.value} (${r.meaning})`,
    r.unit ?? '',
    r.reason === '' ? r.quality : `${r.quality}: ${r.reason}`,
    [r.source, r.device].filter((part) => part !== null).join('/'),
    r.raw ?? '',
  ])
  console.log(table([['signal', 'value', 'unit', 'quality', 'from', 'raw'], ...rows]))
  printLessons(readings)
  printProposals(readings)
}

function printLessons(readings: readonly ProbeReading[]): void {
  const lessons = Map.groupBy(
    readings.flatMap((r) =>
      (r.lessons ?? []).map((text) => ({ text, device: `${r.source}/${r.device}`, of: `${r.asset}/${r.signal}` })),
    ),
    (l) => `${l.device} ${l.text}`,
  )
  if (lessons.size === 0) return
  const rows = [...lessons.values()].map((same) => [`  ${same[0]!.device}`, same[0]!.text, some(same.map((l) => l.of))])
  console.log(`\nlearnt from devices\n${table(rows)}`)
}

/** What was found and is not configured yet, as YAML to paste. */
function printProposals(readings: readonly ProbeReading[]): void {
  const found = Map.groupBy(
    readings.filter((r) => r.propose !== undefined),
    (r) => [r.source, 'devices', r.device].filter((part) => part !== null).join('.'),
  )
  for (const [place, proposed] of found) {
    console.log(`\n# What was found, to paste under sources.${place} in place of its profile; keep what you need.`)
    console.log('# Scale factors are those of now: where a device changes them, take its float models.')
    console.log('signals:')
    for (const { propose } of proposed) console.log(`  ${propose}`)
  }
}
