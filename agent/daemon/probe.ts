import type { ProbeReading, Source, TimedReads } from '../../adapters/source.ts'
import { Fault } from '../../core/fault.ts'
import type { Collector, SourceState } from './collect.ts'
import { type FaultData, toData } from './worker-port.ts'

/** What sources gave when they were read once, and why others gave nothing. */
export interface Probed {
  readonly readings: readonly ProbeReading[]
  readonly faults: readonly FaultData[]
}

/** Reads several sources once, each whatever becomes of the others. */
export async function probeEach(
  sources: readonly string[],
  read: (source: string) => Promise<readonly ProbeReading[]>,
): Promise<Probed> {
  const found = await Promise.all(
    sources.map(async (source): Promise<Probed> => {
      try {
        return { readings: await read(source), faults: [] }
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return { readings: [], faults: [toData(error)] }
      }
    }),
  )
  return { readings: found.flatMap((f) => f.readings), faults: found.flatMap((f) => f.faults) }
}

/** Reads for the command line, through the sources that the agent has open and their queues. */
export interface Prober {
  /** Reads every source once, or the named one. @throws Fault `usage` where there is no such source */
  probe(source?: string): Promise<Probed>
  /** Times reads of one source. @throws Fault `usage` where there is no such source, or nothing to time; why it is down */
  timeReads(source: string): Promise<readonly TimedReads[]>
}

/** @param off sources whose configuration is not valid */
export function makeProber(
  collectors: ReadonlyMap<string, Collector>,
  off: ReadonlyMap<string, SourceState>,
  stop: AbortSignal,
): Prober {
  const names = [...collectors.keys(), ...off.keys()]

  function known(source: string): string {
    if (!names.includes(source)) throw new Fault('usage', { source }, 'there is no such source')
    return source
  }
  function openSource(source: string): Source {
    const collector = collectors.get(source)
    const open = collector?.source()
    if (open) return open
    const fault = (collector?.state() ?? off.get(source))?.fault
    throw new Fault(fault?.code ?? 'source-closed', { source }, fault?.message ?? 'the source is not open yet')
  }

  return {
    probe: async (source) =>
      probeEach(source === undefined ? names : [known(source)], async (name) => openSource(name).probe(stop)),
    timeReads: async (source) => timedReads(source, openSource(known(source)), stop),
  }
}

/** Times reads of an open source. @throws Fault `usage` where its reads have no cost, as those of a broker */
export async function timedReads(name: string, source: Source, stop: AbortSignal): Promise<readonly TimedReads[]> {
  if (!source.timeReads) throw new Fault('usage', { source: name }, 'only Modbus reads have a cost')
  return source.timeReads(stop)
}
