import type { UnixMs } from '../../../core/brand.ts'
import { GOOD } from '../../../core/quality.ts'
import { compileJsonPath, type JsonPath } from '../json-path.ts'
import { type Decoded, makeDecoder } from '../payload.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeTimeReader } from '../time.ts'
import type { Message, Parsed, PayloadProblem, PayloadReader, Sink } from './format.ts'
import { REPORTED_BAD, readQuality } from './quality.ts'

/** One signal: where it is and how it is decoded. */
interface Field {
  readonly index: number
  readonly path: JsonPath
  decode(raw: unknown): Decoded
}

/** The readings at one time. */
type Times = readonly (UnixMs | undefined)[]

const ON_ARRIVAL: Times = [undefined]

/**
 * Reads documents (JSON, CBOR, MessagePack) by paths. With `each` every item is read by itself; with `tag_path` the item
 * says which signals it is about. A path that gives several values gives as many readings, all at the one time of the
 * document or each at its own where the time's path gives as many.
 */
export function makeDocumentReader(
  subscription: MqttSubscription,
  parse: (message: Message) => Parsed<unknown>,
): PayloadReader {
  const pathOf = (text: string | undefined): JsonPath | undefined =>
    text === undefined ? undefined : compileJsonPath(text)
  const each = pathOf(subscription.each)
  const tagPath = pathOf(subscription.tag_path)
  const { quality, time } = subscription
  const qualityPath = pathOf(quality?.path)
  const timePath = pathOf(time?.path)
  const readTime = time && makeTimeReader(time.format, time.zone)
  const all: readonly Field[] = Object.values(subscription.signals).map((signal, index) => ({
    index,
    path: compileJsonPath(signal.path!)!,
    decode: makeDecoder(signal, subscription.text_numbers),
  }))
  const tagged = new Map<string, Field[]>()
  for (const [i, { tag }] of Object.values(subscription.signals).entries())
    if (tag !== undefined) tagged.set(tag, [...(tagged.get(tag) ?? []), all[i]!])

  function fieldsOf(document: unknown, item: unknown): readonly Field[] | undefined {
    if (!tagPath) return all
    const tag = tagPath.first(document, item)
    return typeof tag === 'string' || typeof tag === 'number' ? tagged.get(String(tag)) : undefined
  }

  /** undefined where a time is absent or is none */
  function timesOf(document: unknown, item: unknown): Times | undefined {
    if (!timePath) return ON_ARRIVAL
    const times: UnixMs[] = []
    for (const raw of timePath.all(document, item)) {
      const at = readTime!(raw)
      if (at === undefined) return undefined
      times.push(at)
    }
    return times.length === 0 ? undefined : times
  }

  /** Gives how many values it found, or undefined where their times do not fit them. */
  function readField(
    field: Field,
    document: unknown,
    item: unknown,
    times: Times,
    code: number,
    sink: Sink,
  ): number | undefined {
    const give = (raw: unknown, at: UnixMs | undefined): void => {
      const decoded = field.decode(raw)
      if (code === GOOD || decoded.quality !== GOOD) sink.add(field.index, at, decoded)
      else sink.add(field.index, at, withQuality(decoded, code))
    }
    if (field.path.singular) {
      const raw = field.path.first(document, item)
      if (raw === undefined) return 0
      if (times.length !== 1) return undefined
      give(raw, times[0])
      return 1
    }
    const raws = field.path.all(document, item)
    if (raws.length === 0) return 0
    if (times.length !== 1 && times.length !== raws.length) return undefined
    for (const [i, raw] of raws.entries()) give(raw, times.length === 1 ? times[0] : times[i])
    return raws.length
  }

  return {
    read(message, sink) {
      const parsed = parse(message)
      if ('reason' in parsed) return parsed
      const { document } = parsed
      let problem: PayloadProblem | undefined
      let found = 0
      let passed = 0
      try {
        const items = each ? each.all(document) : [document]
        for (const [i, item] of items.entries()) {
          const fields = fieldsOf(document, item)
          if (!fields) {
            passed++
            continue
          }
          const where = each ? { item: i } : {}
          const times = timesOf(document, item)
          if (!times) {
            problem ??= { reason: 'bad_time', detail: `no time that is ${time!.format}`, ...where }
            continue
          }
          const code = qualityPath ? readQuality(quality!.format, qualityPath.first(document, item)) : GOOD
          for (const field of fields) {
            const n = readField(field, document, item, times, code, sink)
            if (n === undefined) problem ??= { reason: 'bad_time', detail: 'not as many times as values', ...where }
            else found += n
          }
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        // Comparing documents in a filter is recursive in the library.
        return { reason: 'malformed', detail: 'nested too deeply' }
      }
      if (passed > 0) sink.pass(passed)
      if (problem || found > 0 || passed > 0) return problem
      return { reason: 'no_signal', detail: each ? 'no item that each finds has a value' : 'no path finds a value' }
    },
  }
}

/** A value whose sender says it is not good; a bad one is none. */
export function withQuality(decoded: Decoded, code: number): Decoded {
  return { value: code === REPORTED_BAD ? null : decoded.value, quality: code }
}
