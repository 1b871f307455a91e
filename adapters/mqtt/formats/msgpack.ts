import { decode } from '@msgpack/msgpack'
import type { Parsed, PayloadProblem } from './format.ts'
import { MOST_LEVELS, toPlain } from './plain.ts'

/** The MessagePack document in a payload, all of it. Timestamps become ISO 8601, other extensions nothing. */
export function parseMessagePack(payload: Uint8Array): Parsed<unknown> {
  const problem = unsafe(payload)
  if (problem) return problem
  try {
    return { document: toPlain(decode(payload, { useBigInt64: true, mapKeyConverter: String })) }
  } catch {
    return { reason: 'malformed', detail: 'not MessagePack' }
  }
}

/** Bytes behind the first one that say how long or many, and what is counted, by the first byte from 0xc4 on. */
const HEADS: Readonly<
  Record<number, readonly [head: number, counts: 'bytes' | 'items' | 'pairs' | 'none', more?: number]>
> = {
  196: [1, 'bytes'],
  197: [2, 'bytes'],
  198: [4, 'bytes'],
  199: [1, 'bytes', 1],
  200: [2, 'bytes', 1],
  201: [4, 'bytes', 1],
  202: [4, 'none'],
  203: [8, 'none'],
  204: [1, 'none'],
  205: [2, 'none'],
  206: [4, 'none'],
  207: [8, 'none'],
  208: [1, 'none'],
  209: [2, 'none'],
  210: [4, 'none'],
  211: [8, 'none'],
  212: [2, 'none'],
  213: [3, 'none'],
  214: [5, 'none'],
  215: [9, 'none'],
  216: [17, 'none'],
  217: [1, 'bytes'],
  218: [2, 'bytes'],
  219: [4, 'bytes'],
  220: [2, 'items'],
  221: [4, 'items'],
  222: [2, 'pairs'],
  223: [4, 'pairs'],
}

/**
 * Walks the structure before the library does: it reserves room for what a header announces, at every level, and has no
 * limit of levels. Here what is announced must be there.
 */
function unsafe(payload: Uint8Array): PayloadProblem | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  /** values still to come at each level */
  const left = [1]
  let owed = 1
  let at = 0
  const say = (detail: string): PayloadProblem => ({ reason: 'malformed', detail, byte: Math.min(at, payload.length) })
  while (left.length > 0) {
    if (left.at(-1) === 0) {
      left.pop()
      continue
    }
    if (at >= payload.length) return say('the MessagePack ends too early')
    left[left.length - 1]!--
    owed--
    const first = payload[at]!
    let bytes = 1
    let items = 0
    if (first < 0x80 || first >= 0xe0 || (first >= 0xc0 && first <= 0xc3)) {
      if (first === 0xc1) return say('not MessagePack')
    } else if (first < 0x90) items = (first & 15) * 2
    else if (first < 0xa0) items = first & 15
    else if (first < 0xc0) bytes += first & 31
    else {
      const [head, counts, more = 0] = HEADS[first]!
      if (at + 1 + head > payload.length) return say('the MessagePack ends too early')
      bytes += head + more
      const n =
        head === 1
          ? view.getUint8(at + 1)
          : head === 2
            ? view.getUint16(at + 1)
            : counts === 'none'
              ? 0
              : view.getUint32(at + 1)
      if (counts === 'bytes') bytes += n
      if (counts === 'items' || counts === 'pairs') items = counts === 'pairs' ? n * 2 : n
    }
    owed += items
    if (at + bytes + owed > payload.length) return say('the MessagePack ends too early')
    at += bytes
    if (items > 0) left.push(items)
    if (left.length > MOST_LEVELS) return say('MessagePack nested too deeply')
  }
  return at === payload.length ? undefined : say('more than one MessagePack value')
}
