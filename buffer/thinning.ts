import { QUALITY_CODES } from '../core/quality.ts'
import { FORM_BIGINT, FORM_TEXT } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { ChunkContent } from './chunk.ts'

/** The columns of readings, as a chunk holds them. */
type Readings = ChunkContent['block']

/**
 * Chooses which readings stay when only every n-th of a signal is kept. It counts on from block to block, so that a
 * signal with one reading a block is thinned too; blocks come in order. The rules are in the README, "Thinning".
 */
export interface Thinner {
  /** For each reading of the block whether it stays. */
  choose(readings: Readings, step: number): Uint8Array
  /** A new pass over the log begins. */
  restart(): void
}

interface Seen {
  readonly isPeriodic: boolean
  readonly isState: boolean
  n: number
  isBad: boolean
  /** last value of a state */
  value: number | string | undefined
}

const IS_BAD = QUALITY_CODES.map(({ quality }) => quality === 'bad')

export function makeThinner(signalOf: (index: number) => SignalSpec): Thinner {
  const all = new Map<number, Seen>()

  function seenOf(signal: number): Seen {
    const known = all.get(signal)
    if (known) return known
    const { cadence, type, labels } = signalOf(signal)
    const isState = type === 'bool' || type === 'string' || labels !== undefined
    const seen = { isPeriodic: cadence.kind === 'periodic', isState, n: 0, isBad: false, value: undefined }
    all.set(signal, seen)
    return seen
  }

  return {
    choose(readings, step) {
      const { signals, qualities } = readings
      const stays = new Uint8Array(signals.length)
      for (let i = 0; i < signals.length; i++) {
        const seen = seenOf(signals[i]!)
        const isBad = IS_BAD[qualities[i]!] ?? true
        const value = seen.isState ? stateOf(readings, i) : undefined
        if (seen.n++ % step === 0 || isBad !== seen.isBad || value !== seen.value) stays[i] = 1
        seen.isBad = isBad
        seen.value = value
      }
      keepEnds(signals, step, stays, (signal) => !seenOf(signal).isPeriodic)
      return stays
    },
    restart() {
      all.clear()
    },
  }
}

/** First and last reading of the signals that come in numbers but not periodically: there they cost little. */
function keepEnds(signals: Uint32Array, step: number, stays: Uint8Array, isMeant: (signal: number) => boolean): void {
  const ends = new Map<number, { n: number; readonly first: number; last: number }>()
  for (let i = 0; i < signals.length; i++) {
    const end = ends.get(signals[i]!)
    if (!end) ends.set(signals[i]!, { n: 1, first: i, last: i })
    else {
      end.n++
      end.last = i
    }
  }
  for (const [signal, { n, first, last }] of ends) if (n > 2 * step && isMeant(signal)) stays[first] = stays[last] = 1
}

function stateOf({ forms, values, texts }: Readings, i: number): number | string {
  return isText(forms[i]!) ? texts[values[i]!]! : values[i]!
}

function isText(form: number): boolean {
  return form === FORM_TEXT || form === FORM_BIGINT
}

/** The readings whose mark in `stays` is `mark`, in their order. */
export function pick(readings: Readings, stays: Uint8Array, mark: 0 | 1): Readings {
  const chosen = Uint32Array.from(stays.keys().filter((i) => stays[i] === mark))
  const texts: string[] = []
  const of = <A extends Uint32Array | Float64Array | Uint8Array>(column: A): A => {
    const picked = column.slice(0, chosen.length)
    chosen.forEach((i, at) => {
      picked[at] = column[i]!
    })
    return picked as A
  }
  const forms = of(readings.forms)
  const values = of(readings.values)
  for (let at = 0; at < chosen.length; at++) {
    if (isText(forms[at]!)) values[at] = texts.push(readings.texts[values[at]!]!) - 1
  }
  return {
    signals: of(readings.signals),
    times: of(readings.times),
    values,
    forms,
    qualities: of(readings.qualities),
    texts,
  }
}
