import fc from 'fast-check'
import { loadFormats } from '../../adapters/mqtt/formats/load.ts'
import { makeIntake } from '../../adapters/mqtt/intake.ts'
import { mqttSourceSchema } from '../../adapters/mqtt/schema.ts'
import { unixMs } from '../../core/brand.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { qualityOf } from '../../core/quality.ts'
import { type ReadingBlock, valueAt } from '../../core/reading-block.ts'
import type { SignalSpec, Value, ValueType } from '../../core/signal.ts'
import { badPayloads, PAYLOAD_FORMATS } from '../support/payload-formats.ts'

/** One payload format, or map of a sender, with the intake of an agent behind it. */
export interface FuzzFormat {
  readonly name: string
  /** Takes `n` bad payloads, each followed by a good one, which must say what it said at first. */
  run(n: number): void
  readonly payloads: number
  readonly wrong: number
  readonly crashes: number
}

const ARRIVAL = unixMs(Date.UTC(2026, 10, 24, 12))
const TIMES = [Date.UTC(1990, 0), Date.UTC(2200, 11, 31)] as const
/** Payloads that are made at a time. */
const SAMPLE = 500

export function fuzzFormats(seed: number, say: (line: string) => void): Promise<readonly FuzzFormat[]> {
  return Promise.all(PAYLOAD_FORMATS.map((format) => fuzzFormat(format, seed, say)))
}

async function fuzzFormat(
  { good, ...subscription }: (typeof PAYLOAD_FORMATS)[number],
  seed: number,
  say: (line: string) => void,
): Promise<FuzzFormat> {
  const { topic } = subscription
  const filter = subscription.payload === 'sparkplug_b' ? 'spBv1.0/g/+/n/d' : topic
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: 'mqtt://broker',
    subscriptions: [{ ...subscription, topic: filter, asset: 'a' }],
  })
  const context = { name: 'fuzz', clock: makeClock(), log: silentLog, instance: 'fuzz', marks: async () => [] }
  const intake = makeIntake(config, context, await loadFormats(config))
  const builtIns = Object.getOwnPropertyNames(Object.prototype).join()
  let [payloads, wrong, crashes] = [0, 0, 0]

  function blame(what: string, payload: Uint8Array): void {
    say(`fuzz: ${topic}: ${what}: ${Buffer.from(payload).toString('hex').slice(0, 400)}`)
  }

  function take(payload: Uint8Array): ReadingBlock | undefined {
    try {
      intake.take({ topic, payload, retain: false, origins: [] }, ARRIVAL)
      return intake.flush(ARRIVAL).block
    } catch (error) {
      crashes++
      blame(error instanceof Error ? String(error.stack) : String(error), payload)
      return undefined
    }
  }

  /** Values that are good, as text; the bad are said only where the state changes. */
  function goodValues(block: ReadingBlock | undefined): string {
    if (!block) return ''
    const own = Array.from(block.times, (at, i) => [
      block.signals[i],
      at,
      String(valueAt(block, i)),
      block.qualities[i],
    ])
    return JSON.stringify(own.filter(([, , , quality]) => quality === 0))
  }
  const right = goodValues(take(good))
  if (right === '[]') throw new Error(`${topic}: the good payload says nothing`)

  return {
    name: topic,
    run(n) {
      for (const end = payloads + n; payloads < end; ) {
        const numRuns = Math.min(SAMPLE, end - payloads)
        for (const payload of fc.sample(badPayloads(good), { numRuns, seed: seed + payloads })) {
          payloads++
          const block = take(payload)
          const odd = block && firstOdd(block, intake.signals)
          if (odd !== undefined) {
            wrong++
            blame(odd, payload)
          }
          if (goodValues(take(good)) !== right || Object.getOwnPropertyNames(Object.prototype).join() !== builtIns) {
            wrong++
            blame('the good payload after it says something else', payload)
          }
        }
      }
    },
    get payloads() {
      return payloads
    },
    get wrong() {
      return wrong
    },
    get crashes() {
      return crashes
    },
  }
}

/** What is not valid in the first reading that is not; undefined where all are. */
function firstOdd(block: ReadingBlock, signals: readonly SignalSpec[]): string | undefined {
  for (let i = 0; i < block.times.length; i++) {
    const [value, at, spec] = [valueAt(block, i), block.times[i]!, signals[block.signals[i]!]]
    if (!spec) return 'a signal that there is not'
    const { quality } = qualityOf(block.qualities[i]!)
    if ((value === null) !== (quality === 'bad')) return `${spec.id}: ${String(value)} is ${quality}`
    if (!Number.isInteger(at) || at < TIMES[0] || at > TIMES[1]) return `${spec.id}: time ${at}`
    if (value !== null && !fits(value, spec.type)) return `${spec.id}: ${String(value)} is no ${spec.type}`
  }
  return undefined
}

function fits(value: Value, type: ValueType): boolean {
  if (type === 'bool' || type === 'string') return typeof value === (type === 'bool' ? 'boolean' : 'string')
  if (type === 'float64' || type === 'float32') return typeof value === 'number' && Number.isFinite(value)
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
  const bits = Number(/\d+$/.exec(type)![0])
  const whole = BigInt(value as number | bigint)
  return whole === (type.startsWith('u') ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole))
}
