import { describe, expect, it } from 'vitest'
import { unixMs } from '../../../core/brand.ts'
import { qualityOf } from '../../../core/quality.ts'
import { bdSeq, sparkplugPayload, type TestMetric } from '../../../test/support/sparkplug.ts'
import { type KeptNodes, makeSparkplugNodes, type SparkplugNodes } from './sparkplug-nodes.ts'

/** Nodes of group `g`, as one start after the other sees them. */
function start(kept: KeptNodes = { births: new Map() }, isFollowed = (_: string): boolean => true) {
  const nodes = makeSparkplugNodes(kept, isFollowed)
  const births = new Map(kept.births)
  let now = 1_000
  return {
    /** @param topic `TYPE/NODE` or `TYPE/NODE/DEVICE` @returns what became of it, in short */
    hear(topic: string, seq: number | undefined, ...metrics: readonly TestMetric[]) {
      const payload = sparkplugPayload(seq, ...metrics)
      const message = { topic: `spBv1.0/g/${topic}`, payload, retain: false, origins: [] }
      const heard = nodes.hear(message, unixMs(now++))
      if (!heard || 'reason' in heard) throw new Error('not heard')
      return [
        ...(heard.gap ? [`gap since ${heard.gap.from}`] : []),
        ...heard.parts.flatMap((part) => [
          ...(part.isDeath ? [`${part.topic.split('/').slice(3).join('/')} dead`] : []),
          ...(part.unborn > 0 ? [`${part.unborn} unborn`] : []),
          ...part.values.map(
            ({ name, value, quality }) => `${name}=${value}${quality === 0 ? '' : ` ${qualityOf(quality).reason}`}`,
          ),
        ]),
        ...(heard.wants === undefined ? [] : ['asks']),
      ]
    },
    /** What is durable when it stops, or (without sequences) when it crashes. */
    end: (how: 'stop' | 'crash' = 'stop'): KeptNodes => {
      note(births, nodes)
      return { births, ...(how === 'stop' && { sequences: nodes.sequences() }) }
    },
    distrust: nodes.distrust,
    takeChanges: nodes.changedBirths,
  }
}

function note(births: Map<string, string>, nodes: SparkplugNodes): void {
  for (const [key, text] of nodes.changedBirths()) {
    if (text === null) births.delete(key)
    else births.set(key, text)
  }
}

const oil: TestMetric = { name: 'Oil', alias: 1, datatype: 9, float: 1 }
const count: TestMetric = { name: 'N', alias: 2, datatype: 3, int: 5 }
const minus: TestMetric = { alias: 2, int: 0xff_ff_ff_fe }

/** A start that has seen node `e` with device `p` born, its sequence at 2. */
function born() {
  const first = start()
  first.hear('NBIRTH/e', 0, bdSeq(7), { name: 'Load', alias: 9, datatype: 9, float: 0.5 })
  first.hear('DBIRTH/e/p', 1, oil, count)
  first.hear('DDATA/e/p', 2, { alias: 1, float: 2 })
  return first
}

describe('after the next start', () => {
  it('aliases and types mean what the births said, where the sequence goes on', () => {
    const next = start(born().end())
    expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 }, minus)).toEqual(['Oil=3', 'N=-2'])
    expect(next.hear('NDATA/e', 4, { alias: 9, float: 0.25 })).toEqual(['Load=0.25'])
    // And after the one after that, though nothing was born in this.
    expect(start(next.end()).hear('DDATA/e/p', 5, { alias: 1, float: 4 })).toEqual(['Oil=4'])
  })

  it('they are unsure where messages were lost, until the next birth, as within one start', () => {
    const next = start(born().end())
    expect(next.hear('DDATA/e/p', 9, { alias: 1, float: 3 })).toEqual(['gap since 1002', 'Oil=3 sequence', 'asks'])
    expect(next.hear('DDATA/e/p', 10, { alias: 1, float: 3 })).toEqual(['Oil=3 sequence', 'asks'])
    const third = start(next.end())
    expect(third.hear('DDATA/e/p', 11, { alias: 1, float: 3 })).toEqual(['Oil=3 sequence', 'asks'])
    third.hear('DBIRTH/e/p', 12, oil)
    expect(third.hear('DDATA/e/p', 13, { alias: 1, float: 4 })).toEqual(['Oil=4'])
    expect(third.hear('NDATA/e', 14, { alias: 9, float: 4 })).toEqual(['Load=4 sequence', 'asks'])
  })

  it('they are unsure after a crash, as nobody knows what was heard last', () => {
    const next = start(born().end('crash'))
    expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['Oil=3 sequence', 'asks'])
    expect(next.hear('DDATA/e/p', 4, { name: 'Oil', float: 4 })).toEqual(['Oil=4'])
    next.hear('NBIRTH/e', 0, bdSeq(8))
    expect(next.hear('DDATA/e/p', 1, { alias: 1, float: 3 })).toEqual(['1 unborn', 'asks'])
    next.hear('DBIRTH/e/p', 2, oil)
    expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['Oil=3'])
  })

  it('a death that came meanwhile ends them, and is one of each device that was alive', () => {
    const next = start(born().end())
    expect(next.hear('NDEATH/e', undefined, bdSeq(6))).toEqual([])
    expect(next.hear('NDEATH/e', undefined, bdSeq(7))).toEqual(['e dead', 'e/p dead'])
    expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['1 unborn', 'asks'])
    expect(next.end().births).toEqual(new Map())
  })

  it.each<[string, (nodes: ReturnType<typeof start>) => void, readonly string[]]>([
    ['a device that died', ({ hear }) => hear('DDEATH/e/p', 3), ['g/e']],
    ['devices of a node that was born anew', ({ hear }) => hear('NBIRTH/e', 0, bdSeq(8)), ['g/e']],
    ['what another birth said before', ({ hear }) => hear('DBIRTH/e/p', 3, { ...oil, alias: 4 }), ['g/e', 'g/e/p']],
  ])('nothing is known of %s', (_, happens, births) => {
    const first = born()
    happens(first)
    const kept = first.end()
    expect([...kept.births.keys()]).toEqual(births)
    expect(start(kept).hear('DDATA/e/p', 4, { alias: 1, float: 3 })).toContain('1 unborn')
  })

  it('nothing is known of nodes that no subscription names any more', () => {
    const kept = born().end()
    const next = start(kept, (topic) => !topic.includes('/e'))
    expect(next.takeChanges()).toEqual(new Map([...kept.births.keys()].map((key) => [key, null])))
    expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['1 unborn', 'asks'])
  })

  it.each(['', '{', '{"version":2}', '{"version":1,"bdSeq":null,"metrics":[["Oil",1,9]]}'])(
    'notes that cannot be read are as if there were none: %j',
    (text) => {
      const next = start({ births: new Map([['g/e/p', text]]), sequences: text })
      expect(next.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['1 unborn', 'asks'])
    },
  )
})

it('distrusts aliases where deaths may have been missed, until the next birth', () => {
  const nodes = born()
  nodes.distrust()
  expect(nodes.hear('DDATA/e/p', 3, { alias: 1, float: 3 })).toEqual(['Oil=3 sequence', 'asks'])
  nodes.hear('DBIRTH/e/p', 4, oil)
  expect(nodes.hear('DDATA/e/p', 5, { alias: 1, float: 3 })).toEqual(['Oil=3'])
})

it('notes births only as far as there is room, which deaths give back', () => {
  const nodes = makeSparkplugNodes({ births: new Map() }, () => true)
  const births = new Map<string, string>()
  const metrics = Array.from({ length: 500 }, (_, i) => ({ name: `metric/${i}`.padEnd(80, '.'), alias: i, float: 1 }))
  const bear = (device: number) => {
    const message = { topic: `spBv1.0/g/DBIRTH/e/${device}`, payload: sparkplugPayload(device & 0xff, ...metrics) }
    const heard = nodes.hear({ ...message, retain: false, origins: [] }, unixMs(0))
    note(births, nodes)
    return heard
  }
  const crowded = Array.from({ length: 50 }, (_, i) => bear(i)).filter(
    (heard) => heard && 'isCrowded' in heard && heard.isCrowded,
  )
  expect(crowded.length).toBeGreaterThan(0)
  expect(births.size).toBe(50 - crowded.length)
  expect([...births.values()].join('').length).toBeLessThanOrEqual(1_000_000)
  const death = { topic: 'spBv1.0/g/DDEATH/e/0', payload: sparkplugPayload(50), retain: false, origins: [] }
  nodes.hear(death, unixMs(0))
  expect(bear(51)).toMatchObject({ isCrowded: false })
  expect([births.has('g/e/0'), births.has('g/e/51')]).toEqual([false, true])
})
