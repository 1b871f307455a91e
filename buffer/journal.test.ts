import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import type { OutageNote } from '../core/ledger.ts'
import { commitOf, makeFolder, T0 } from '../test/support/store.ts'

const hash = (byte: number): Buffer => Buffer.alloc(4, byte)

describe('marks', () => {
  it('stay with the readings until their packet id is used again or the session is lost', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      const mark = (session: string, packet_id: number, byte: number) => ({ session, packet_id, hash: hash(byte) })
      store.append(commitOf([], { marks: [mark('mqtt/a/1', 7, 1), mark('mqtt/a/1', 8, 2), mark('mqtt/b/1', 7, 3)] }))
      store.append(commitOf([], { marks: [mark('mqtt/a/1', 7, 4), mark('mqtt/a/2', 1, 5)] }))
    }
    using store = folder.open()
    expect(store.marks('mqtt/a/1')).toEqual([
      { packet_id: 7, hash: hash(4) },
      { packet_id: 8, hash: hash(2) },
    ])
    store.dropMarks('mqtt/a/', 'mqtt/a/2')
    expect(['mqtt/a/1', 'mqtt/a/2', 'mqtt/b/1', ''].map((session) => store.marks(session).length)).toEqual([0, 1, 1, 0])
  })

  it('of a session are given a part at a time, in the order of their packet ids', () => {
    using folder = makeFolder()
    using store = folder.open()
    const ids = Array.from({ length: 2_500 }, (_, i) => i + 1)
    const marks = ids
      .toReversed()
      .flatMap((packet_id) => ['a', 'b'].map((session) => ({ session, packet_id, hash: hash(1) })))
    store.append(commitOf([], { marks }))
    const parts: number[][] = []
    for (let after = 0; ; after = parts.at(-1)!.at(-1)!) {
      const part = store.marks('a', after)
      if (part.length === 0) break
      parts.push(part.map(({ packet_id }) => packet_id))
    }
    expect(parts.map((part) => part.length)).toEqual([1_000, 1_000, 500])
    expect(parts.flat()).toEqual(ids)
  })
})

describe('outages', () => {
  const begin = (at: number, reason = 'source-timeout', device: string | null = 'plc-1'): OutageNote => ({
    kind: 'begin',
    device,
    signal: null,
    reason,
    at,
  })
  const end = (at: number, device: string | null = 'plc-1'): OutageNote => ({ kind: 'end', device, signal: null, at })

  it.each<readonly [string, readonly OutageNote[], readonly unknown[]]>([
    ['begin and end', [begin(1), end(5)], [{ reason: 'source-timeout', from: 1, until: 5 }]],
    ['begin once', [begin(1), begin(3), end(5)], [{ reason: 'source-timeout', from: 1, until: 5 }]],
    [
      'turn into another',
      [begin(1), begin(3, 'source-refused')],
      [
        { reason: 'source-refused', from: 3, until: null },
        { reason: 'source-timeout', from: 1, until: 3 },
      ],
    ],
    ['end only what is open', [end(3)], []],
    [
      'are apart by device',
      [begin(1), begin(2, 'source-refused', null), end(4, null)],
      [
        { reason: 'source-refused', from: 2, until: 4 },
        { reason: 'source-timeout', from: 1, until: null },
      ],
    ],
    ['never end before they begin', [begin(9), end(5)], [{ reason: 'source-timeout', from: 9, until: 9 }]],
  ])('%s', (_, notes, expected) => {
    using folder = makeFolder()
    using store = folder.open()
    store.append(commitOf([], { outages: notes.map((note) => ({ source: 'plc', note })) }))
    expect(store.status(unixMs(0)).outages).toMatchObject(expected)
    expect(store.status(unixMs(0)).outages).toHaveLength(expected.length)
  })

  it('say that the agent was down between the last commit and the next start', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.startRun(['plc', 'mqtt'], T0)
      expect(store.status(T0).outages).toEqual([]) // a first start had nothing to miss
      store.append(commitOf([], { outages: [{ source: 'plc', note: begin(T0) }], after: 1_000 }))
    }
    using store = folder.open()
    const { instance, last_trusted } = store.startRun(['plc', 'mqtt'], unixMs(T0 + 9_000))
    expect(last_trusted).toEqual({ at: T0 + 1_000, monotonic: 1_000 })
    expect(instance).toMatch(/^[0-9a-v]{16}$/)
    const down = { device: null, signal: null, reason: 'agent_down', from: T0 + 1_000, until: T0 + 9_000 }
    expect(store.status(T0).outages).toEqual([
      { source: 'mqtt', ...down },
      { source: 'plc', ...down },
      { source: 'plc', device: 'plc-1', signal: null, reason: 'source-timeout', from: T0, until: T0 + 1_000 },
    ])
  })

  it('say so once the clock is trusted, where it was behind at the start', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.append(commitOf([], { after: 1_000 }))
    }
    const down = { source: 'plc', device: null, signal: null, reason: 'agent_down', from: T0 + 1_000 }
    for (const boot of ['b', 'c']) {
      using store = folder.open({ boot })
      store.startRun(['plc'], unixMs(T0 - 1e9))
      expect(store.status(T0).outages).toEqual([{ ...down, until: T0 + 1_000 }])
    }
    using store = folder.open({ boot: 'd' })
    store.startRun(['plc'], unixMs(T0 - 1e9))
    store.append(commitOf([], { sane: false, after: -1e9, monotonic: 5_000 }))
    store.append(commitOf([], { after: 60_000, monotonic: 35_000 }))
    store.append(commitOf([], { after: 90_000, monotonic: 65_000 }))
    expect(store.status(T0).outages).toEqual([{ ...down, until: T0 + 30_000 }])
  })

  it('say so by the monotonic clock, where the last block has no time', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.append(commitOf([], { sane: false, after: -1e9, monotonic: 1_000 }))
    store.startRun(['plc'], unixMs(T0 - 1e9))
    store.append(commitOf([], { sane: false, after: -1e9, monotonic: 9_000 }))
    store.append(commitOf([], { after: 60_000, monotonic: 20_000 }))
    const down = { from: T0 + 41_000, until: T0 + 49_000, reason: 'agent_down' }
    expect(store.status(T0).outages).toMatchObject([down])
  })
})

describe('counts and alarms', () => {
  it('adds up what was never accepted', () => {
    using folder = makeFolder()
    using store = folder.open()
    const refused = { source: 'mqtt', kind: 'refused', reason: 'malformed' } as const
    store.append(
      commitOf([], {
        counts: [
          { ...refused, n: 2 },
          { source: 'plc', kind: 'unchanged', reason: '', n: 9 },
        ],
      }),
    )
    store.append(
      commitOf([], {
        counts: [
          { ...refused, n: 3 },
          { ...refused, reason: 'too_large', n: 0 },
        ],
      }),
    )
    expect(store.status(T0).counts).toEqual([
      { ...refused, n: 5 },
      { source: 'plc', kind: 'unchanged', reason: '', n: 9 },
    ])
  })

  it('keeps what a source noted, for itself, over a restart', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.setMemo('plc', 'holes', '[1]')
      store.setMemo('plc', 'holes', '[1,2]')
      store.setMemo('broker', 'holes', 'other')
    }
    using store = folder.open()
    expect(store.memo('plc', 'holes')).toBe('[1,2]')
    expect(store.memo('broker', 'holes')).toBe('other')
    expect(store.memo('plc', 'filters')).toBeUndefined()
  })

  it('keeps what a source notes with its readings, in their transaction, and forgets it by key or prefix', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      const memos = ['n a', 'n b', 'm a'].map((key) => ({ source: 'broker', key, value: key }))
      store.append(commitOf([], { memos: [...memos, { source: 'plc', key: 'n a', value: 'other' }] }))
      store.append(commitOf([], { memos: [{ source: 'broker', key: 'n b', value: null }] }))
      // Its reading is of no signal, so nothing of the commit is done.
      const failing = commitOf([[99, 1]], { memos: [{ source: 'broker', key: 'n a', value: 'new' }] })
      expect(() => store.append(failing)).toThrow()
    }
    using store = folder.open()
    expect(store.memos('broker', 'n ')).toEqual(new Map([['n a', 'n a']]))
    store.dropMemos('broker', 'n ')
    expect(store.memos('broker', '')).toEqual(new Map([['m a', 'm a']]))
    expect(store.memo('plc', 'n a')).toBe('other')
  })

  it('keeps one open alarm a key: another code ends it', () => {
    using folder = makeFolder()
    using store = folder.open()
    const alarm = { key: 'pool:p', code: 'pool-identity', message: 'first', at: T0 }
    store.raiseAlarm(alarm)
    store.raiseAlarm({ ...alarm, message: 'second', at: unixMs(T0 + 1) })
    store.raiseAlarm({ ...alarm, code: 'pool-closed', at: unixMs(T0 + 2) })
    store.clearAlarm('pool:q', T0)
    expect(store.status(T0).alarms).toMatchObject([
      { code: 'pool-closed', count: 1, until: null },
      { code: 'pool-identity', count: 2, message: 'second', since: T0, until: T0 + 2 },
    ])
    store.clearAlarm('pool:p', unixMs(T0 + 5))
    store.raiseAlarm({ ...alarm, at: unixMs(T0 + 9) })
    expect(store.status(T0).alarms.map((a) => a.until)).toEqual([null, T0 + 5, T0 + 2])
  })
})
