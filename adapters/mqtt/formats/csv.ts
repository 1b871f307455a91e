import { CsvError, parse as parseCsv } from 'csv-parse/sync'
import { makeDecoder } from '../payload.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeTimeReader } from '../time.ts'
import type { Parsed, PayloadProblem, PayloadReader } from './format.ts'
import { makeTextParser } from './text.ts'

/** Lines of a message after which the rest is not read, but counted as refused. */
const MOST_LINES = 10_000

/** Reads lines of values (RFC 4180, with any separator); each line is read by itself, with its own time. */
export function makeCsvReader(subscription: MqttSubscription): PayloadReader {
  const parseText = makeTextParser(subscription)
  const { time, separator = ',', skip_lines = 0, text_numbers = 'point' } = subscription
  const readTime = time && makeTimeReader(time.format, time.zone)
  const fields = Object.values(subscription.signals).map((signal) => ({
    column: signal.column! - 1,
    decode: makeDecoder(signal, text_numbers),
  }))

  function parseLines(payload: Uint8Array): Parsed<readonly (readonly string[])[]> {
    const text = parseText(payload)
    if ('reason' in text) return text
    try {
      const lines: string[][] = parseCsv(text.document, {
        delimiter: separator,
        relax_column_count: true,
        skip_empty_lines: true,
        from_line: skip_lines + 1,
        to: MOST_LINES + 1, // one more tells that there are more
      })
      return { document: lines }
    } catch (error) {
      if (!(error instanceof CsvError)) throw error
      // Its message quotes the payload.
      const line = typeof error.lines === 'number' ? error.lines : undefined
      return { reason: 'malformed', detail: 'quotes that do not match', ...(line !== undefined && { item: line - 1 }) }
    }
  }

  return {
    read(message, sink) {
      const parsed = parseLines(message.payload)
      if ('reason' in parsed) return parsed
      let problem: PayloadProblem | undefined
      let found = 0
      for (const [i, line] of parsed.document.entries()) {
        if (i === MOST_LINES) {
          // All that is behind it is lost, so it is said rather than a line that has no time.
          problem = { reason: 'too_large', detail: `more than ${MOST_LINES} lines`, item: i }
          break
        }
        const at = readTime?.(line[time!.column! - 1]?.trim())
        if (readTime && at === undefined) {
          problem ??= { reason: 'bad_time', detail: `no time that is ${time!.format}`, item: i }
          continue
        }
        for (const [index, { column, decode }] of fields.entries()) {
          const raw = line[column]
          if (raw === undefined) continue
          sink.add(index, at, decode(raw))
          found++
        }
      }
      return problem ?? (found === 0 ? { reason: 'no_signal', detail: 'no line has such columns' } : undefined)
    },
  }
}
