import type { ProbeReading } from '../../adapters/source.ts'
import { Fault } from '../../core/fault.ts'
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
