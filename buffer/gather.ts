import { FORM_BIGINT, FORM_TEXT, type ReadingBlock } from '../core/reading-block.ts'
import type { ChunkContent, FeedMark } from './chunk.ts'
import type { Feed } from './dictionary.ts'
import type { Commit } from './port.ts'

/** The blocks of one commit as one chunk, in their order; where a source says twice how far it is complete, the later word counts. */
export function gather(
  blocks: Commit['blocks'],
  internFeeds: (feeds: readonly Feed[]) => readonly number[],
): ChunkContent {
  return { block: joined(blocks.map(({ block }) => block)), complete: completeness(blocks, internFeeds) }
}

function completeness(
  blocks: Commit['blocks'],
  internFeeds: (feeds: readonly Feed[]) => readonly number[],
): readonly FeedMark[] {
  const marks = blocks.flatMap(({ source, block }) =>
    Object.entries(block.complete_until).map(([asset, until]) => ({ source, asset, until })),
  )
  const feeds = internFeeds(marks)
  const latest = new Map(marks.map(({ until }, i) => [feeds[i]!, until]))
  return [...latest].map(([feed, until]) => ({ feed, until })).sort((a, b) => a.feed - b.feed)
}

function joined(blocks: readonly ReadingBlock[]): ChunkContent['block'] {
  if (blocks.length === 1) return blocks[0]!
  const n = blocks.reduce((sum, { signals }) => sum + signals.length, 0)
  const block = {
    signals: new Uint32Array(n),
    times: new Float64Array(n),
    values: new Float64Array(n),
    forms: new Uint8Array(n),
    qualities: new Uint8Array(n),
    texts: blocks.flatMap(({ texts }) => texts),
  }
  let at = 0
  let texts = 0
  for (const part of blocks) {
    block.signals.set(part.signals, at)
    block.times.set(part.times, at)
    block.values.set(part.values, at)
    block.forms.set(part.forms, at)
    block.qualities.set(part.qualities, at)
    if (texts > 0) shiftTexts(block.values, block.forms, at, at + part.signals.length, texts)
    at += part.signals.length
    texts += part.texts.length
  }
  return block
}

/** Text and bigint values are indexes into `texts`, which moved. */
function shiftTexts(values: Float64Array, forms: Uint8Array, from: number, to: number, by: number): void {
  for (let i = from; i < to; i++) if (forms[i] === FORM_TEXT || forms[i] === FORM_BIGINT) values[i]! += by
}
