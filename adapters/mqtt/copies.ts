import { contentHash } from './marks.ts'
import { isShared } from './session.ts'
import { compileTopic } from './topic-filter.ts'

/** Topics whose number of filters is kept ready. */
const MOST_TOPICS = 10_000

/** One message as the rule of copies sees it. */
export interface Arrival {
  readonly topic: string
  readonly payload: Uint8Array
  readonly dup: boolean
  readonly retain: boolean
}

/**
 * Recognises the copies that a broker sends of one message, one for each filter that matches (MQTT 3.1.1 §3.3.5), where
 * nothing in the message says which filter it is for.
 */
export interface Copies {
  /** @param isStored whether a message of this content is stored; asked for redeliveries only */
  isCopy(message: Arrival, isStored: (hash: Buffer) => boolean): boolean
  /** All filters are in force: from now on a missing copy says something. */
  subscribed(): void
  /** These filters bring no copies any more. What still waits of them is rather read twice than another message left out. */
  unsubscribed(filters: readonly string[]): void
}

/** What came last on a topic, and how many copies of it may follow. */
interface Last {
  readonly hash: Buffer
  left: number
  /** true: all filters were in force when it came, it was new, and so was what it may be a copy of */
  readonly isSure: boolean
}

/**
 * Equal messages that follow each other on a topic that `n` filters match count as one, up to `n`. Once another message
 * follows a first one that had no copy, the broker sends one, and nothing is a copy any more in this connection, so that
 * a value that is sent twice is read twice. Retained messages come once for each filter at any time.
 * @param filters what the session at the broker has
 * @param inForce true: it has them already
 */
export function makeCopies(filters: readonly string[], inForce: boolean): Copies {
  let patterns = filters.flatMap((filter) => {
    // What it brings may go to another member of the group, so that a copy more or less says nothing.
    if (isShared(filter)) return []
    const compiled = compileTopic(filter)
    return 'message' in compiled ? [] : [compiled.pattern]
  })
  const matching = new Map<string, number>()
  const last = new Map<string, Last>()
  const retained = new Map<string, Buffer>()
  let isSure = inForce
  let sendsOne = patterns.length < 2

  function filtersOfTopic(topic: string): number {
    const known = matching.get(topic)
    if (known !== undefined) return known
    const n = patterns.filter((pattern) => pattern.match(topic) !== undefined).length
    if (matching.size >= MOST_TOPICS) matching.clear()
    matching.set(topic, n)
    return n
  }

  return {
    isCopy({ topic, payload, dup, retain }, isStored) {
      if (sendsOne) return false
      const n = filtersOfTopic(topic)
      if (n < 2) return false
      const hash = contentHash(topic, payload)
      if (retain) {
        if (retained.get(topic)?.equals(hash)) return true
        retained.set(topic, hash)
        return false
      }
      const before = last.get(topic)
      const isLike = before?.hash.equals(hash) === true
      if (isLike && before.left > 0) {
        before.left--
        return true
      }
      if (!isLike && before?.isSure && before.left === n - 1 && !dup) {
        sendsOne = true
        return false
      }
      const isRest = dup && isStored(hash)
      last.set(topic, { hash, left: isRest ? n - 2 : n - 1, isSure: isSure && !dup && (!isLike || before.isSure) })
      return isRest
    },
    subscribed() {
      isSure = true
    },
    unsubscribed(gone) {
      patterns = patterns.filter(({ filter }) => !gone.includes(filter))
      matching.clear()
      last.clear()
    },
  }
}
