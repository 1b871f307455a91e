import { qualityCode } from '../../core/quality.ts'
import type { ModbusClient } from './client.ts'
import { type Place, type PlannedRead, splitRead } from './read-set.ts'

/** Takes what a unit answers. */
export interface ReadSink<S extends Place> {
  data(read: PlannedRead<S>, data: Buffer): void
  /** The unit will not give what this read asks for. */
  exception(read: PlannedRead<S>, code: number): void
  /** The unit refused a read of several places; each is asked for singly, with its own outcome. */
  split?(read: PlannedRead<S>): void
}

/** Why a unit did not answer: no answer in time, or a gateway's word that it could not reach it (exceptions 10, 11). */
export type Silence = 'source-timeout' | 'gateway_path' | 'gateway_target'

/** Modbus exceptions (Modbus Application Protocol V1.1b3 §7). */
export const ILLEGAL_FUNCTION = 1
export const ILLEGAL_ADDRESS = 2
export const ILLEGAL_VALUE = 3

/**
 * Sends the reads to one unit, `lanes` at a time, and stops at the first silence: a dead unit costs one timeout, not
 * one a read. Returns undefined where the unit answered all. @throws Fault where the link is gone.
 */
export async function readUnit<S extends Place>(
  client: ModbusClient,
  unit_id: number,
  reads: readonly PlannedRead<S>[],
  lanes: number,
  sink: ReadSink<S>,
  stop: AbortSignal,
): Promise<Silence | undefined> {
  const open = [...reads]
  let silence: Silence | undefined

  async function lane(): Promise<void> {
    for (let read = open.shift(); read && !silence; read = open.shift()) {
      const { table, address, quantity } = read
      const result = await client.read({ unit_id, table, address, quantity }, stop)
      if (result.kind === 'timeout') silence ??= 'source-timeout'
      else if (result.kind === 'data') sink.data(read, result.data)
      else if (result.code === 10) silence ??= 'gateway_path'
      else if (result.code === 11) silence ??= 'gateway_target'
      else {
        const parts = result.code === ILLEGAL_ADDRESS || result.code === ILLEGAL_VALUE ? splitRead(read) : []
        if (parts.length > 1) {
          sink.split?.(read)
          open.unshift(...parts)
        } else sink.exception(read, result.code)
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(lanes, reads.length) }, lane))
  return silence
}

/** The quality of readings that a Modbus exception stands in for. */
export function exceptionQuality(code: number): number {
  switch (code) {
    case ILLEGAL_FUNCTION:
      return qualityCode('bad', 'illegal_function')
    case ILLEGAL_ADDRESS:
      return qualityCode('bad', 'illegal_address')
    case ILLEGAL_VALUE:
      return qualityCode('bad', 'illegal_value')
    case 4:
      return qualityCode('bad', 'device_failure')
    case 5:
    case 6:
      return qualityCode('bad', 'device_busy')
    default:
      return qualityCode('bad', 'exception')
  }
}
