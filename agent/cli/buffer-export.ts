import { once } from 'node:events'
import type { ReadReading } from '../../buffer/look.ts'
import { Fault } from '../../core/fault.ts'
import type { SignalSpec } from '../../core/signal.ts'
import { openBuffer, PIECE } from './buffer.ts'
import { type CommonOptions, EXIT_FAILED } from './common.ts'

interface ExportOptions extends CommonOptions {
  readonly format: 'csv' | 'jsonl'
  /** UnixMs, of the reading's own time */
  readonly from?: number
  readonly to?: number
  readonly signal?: readonly string[]
  /** only what waits for this pool */
  readonly pending?: string
}

/**
 * `sluice buffer export [FILE]`: raw readings to stdout, block by block. They are what no policy has looked at; they stay in
 * the plant.
 */
export async function exportBuffer(file: string | undefined, options: ExportOptions): Promise<void> {
  using buffer = await openBuffer(file, options)
  if (!buffer) return
  const { desk } = buffer
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, signal, pending, format } = options
  const status = await desk.ask({ kind: 'status', now: Date.now() })
  const pool = pending === undefined ? undefined : status.pools[pending]
  if (pending !== undefined && !pool) throw new Fault('usage', { pool: pending }, 'the buffer knows no such pool')
  const first = pool?.cursor.raw_seq ?? 0
  let specs = await desk.ask({ kind: 'signals' })
  const unknown = signal?.find((id) => specs.every((spec) => spec.id !== id))
  if (unknown !== undefined) throw new Fault('usage', { signal: unknown }, 'the buffer knows no such signal')
  if (format === 'csv') await write('time,signal,value,quality,reason,unit\n')
  for (let position = 0; ; ) {
    const blocks = await desk.ask({ kind: 'read', position, limit: PIECE })
    if (blocks.length === 0) return
    for (const block of blocks) {
      if (!block.readings) {
        console.error(`sluice: block ${block.position} is damaged; its readings are left out`)
        process.exitCode = EXIT_FAILED
        continue
      }
      if (block.readings.some(([index]) => index >= specs.length)) specs = await desk.ask({ kind: 'signals' })
      const meant = block.readings.filter(
        ([index, at], i) =>
          block.seq + i >= first && at >= from && at < to && (!signal || signal.includes(specs[index]!.id)),
      )
      const lines = meant.map((reading) => render(reading, specs[reading[0]]!, format))
      if (lines.length > 0) await write(lines.join(''))
    }
    position = blocks.at(-1)!.position + 1
  }
}

function render([, at, value, quality, reason]: ReadReading, spec: SignalSpec, format: 'csv' | 'jsonl'): string {
  const time = new Date(at).toISOString()
  const unit = spec.unit ?? null
  if (format === 'jsonl') return `${JSON.stringify({ time, signal: spec.id, value, quality, reason, unit })}\n`
  return `${[time, spec.id, value, quality, reason, unit].map(field).join(',')}\n`
}

/** A field after RFC 4180. */
function field(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
