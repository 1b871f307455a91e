import { describe, expect, it } from 'vitest'
import { setUpBegun, setUpQueue, sourcesOf } from '../../test/support/commit-queue.ts'

const TICK = 30_000

describe('the commit queue', () => {
  it('does not make the first readings of a run wait, whatever came before them', async () => {
    const { clock, commits, append } = setUpQueue()
    append('a', 1_000, {}, 0)
    await clock.advance(10)
    expect(commits).toEqual([])
    append('b', 1_000)
    await clock.advance(0)
    append('c', 1_000)
    await clock.advance(999)
    expect(sourcesOf(commits)).toEqual([['a', 'b']])
    await clock.advance(1)
    expect(sourcesOf(commits)).toEqual([['a', 'b'], ['c']])
  })

  it('stores everything that waits in one commit, when the first of it is due', async () => {
    const { clock, commits, durable, queue, append } = await setUpBegun()
    append('a', 1_000, {}, 3)
    append('b', 50, {}, 2)
    append('c', 10_000)
    expect(queue.waiting).toBe(6)
    await clock.advance(49)
    expect(commits).toEqual([])
    await clock.advance(1)
    expect(sourcesOf(commits)).toEqual([['a', 'b', 'c']])
    expect(durable).toEqual(['a', 'b', 'c'])
    expect(queue.waiting).toBe(0)
  })

  it('stores what sources note with their readings, the latest last', async () => {
    const { clock, commits, append } = await setUpBegun()
    append('a', 50, { memos: new Map([['k', '1']]) })
    append('b', 50, { memos: new Map([['k', 'other']]) })
    append('a', 50, { memos: new Map([['k', null]]) })
    await clock.advance(50)
    expect(commits.map((commit) => commit.memos)).toEqual([
      [
        { source: 'a', key: 'k', value: '1' },
        { source: 'b', key: 'k', value: 'other' },
        { source: 'a', key: 'k', value: null },
      ],
    ])
  })

  it('is not put off by what comes later', async () => {
    const { clock, commits, append } = await setUpBegun()
    append('a', 100)
    await clock.advance(60)
    append('b', 100)
    await clock.advance(40)
    expect(sourcesOf(commits)).toEqual([['a', 'b']])
  })

  it('commits at once what may not wait', async () => {
    const { clock, commits, append } = await setUpBegun()
    append('a', 0)
    await clock.advance(0)
    expect(sourcesOf(commits)).toEqual([['a']])
  })

  it('commits at once after `hurry`', async () => {
    const { clock, commits, queue, append } = await setUpBegun()
    append('a', 10_000)
    queue.hurry()
    await clock.advance(0)
    append('b', 10_000)
    await clock.advance(0)
    expect(sourcesOf(commits)).toEqual([['a'], ['b']])
  })

  it('commits on every half minute, and an empty block where nothing came', async () => {
    const { clock, commits, append } = await setUpBegun()
    await clock.advance(TICK)
    expect(sourcesOf(commits)).toEqual([[]])
    append('a', 0)
    await clock.advance(TICK - 1)
    expect(sourcesOf(commits)).toEqual([[], ['a']])
    await clock.advance(1)
    expect(sourcesOf(commits)).toEqual([[], ['a'], []])
  })

  it('commits at the same moment of the clock whether it is busy or silent', async () => {
    const times = async (within: readonly number[]) => {
      const { clock, commits, append } = await setUpBegun(Date.UTC(2026, 5, 1, 12, 0, 17))
      for (const ms of within) append('a', ms)
      await clock.advance(3 * TICK)
      return commits.map(({ arrival }) => arrival % TICK).filter((ms) => ms === 100)
    }
    expect(await times([])).toEqual([100, 100, 100])
    expect(await times([2_000, 12_900, 20_000])).toEqual([100, 100, 100])
  })

  it('carries marks, counts, and outages with their source', async () => {
    const { clock, commits, append } = await setUpBegun()
    const mark = { session: 's', packet_id: 7, hash: new Uint8Array([1]) }
    const count = { source: 'a', kind: 'refused', reason: 'malformed', n: 2 } as const
    const note = { kind: 'end', device: null, signal: null, at: clock.now() } as const
    append('a', 5, { marks: [mark], counts: [count] })
    append('b', 5, { outages: [note] })
    await clock.advance(5)
    expect(commits).toMatchObject([
      {
        arrival: clock.now(),
        monotonic: 5,
        sane: true,
        marks: [mark],
        counts: [count],
        outages: [{ source: 'b', note }],
      },
    ])
  })

  it('says when the clock is not trusted', async () => {
    const { clock, commits, disk, append } = await setUpBegun()
    disk.isSane = false
    append('a', 0)
    await clock.advance(0)
    disk.isSane = true
    append('b', 0)
    await clock.advance(0)
    expect(commits.map((c) => c.sane)).toEqual([false, true])
  })

  it('has one clock a commit: what was stamped before it was set is stored as of then', async () => {
    const { clock, commits, disk, append } = await setUpBegun()
    const start = clock.now()
    append('a', 1_000)
    await clock.advance(10)
    clock.step(3_600_000)
    disk.isSane = false
    append('b', 1_000)
    append('c', 1_000)
    await clock.advance(10)
    clock.step(-3_600_000)
    disk.isSane = true
    append('d', 1_000)
    await clock.advance(980)
    expect(sourcesOf(commits)).toEqual([['a'], ['b', 'c'], ['d']])
    expect(commits.map(({ arrival, monotonic, sane }) => [arrival - start, monotonic, sane])).toEqual([
      [1_000, 1_000, true],
      [3_601_000, 1_000, false],
      [1_000, 1_000, true],
    ])
  })

  it('keeps what arrives during a commit for the next one', async () => {
    const { clock, commits, durable, disk, append } = await setUpBegun()
    const first = Promise.withResolvers<void>()
    disk.answer = () => first.promise
    append('a', 0)
    await clock.advance(0)
    append('b', 0)
    append('c', 1_000)
    await clock.advance(500)
    expect(sourcesOf(commits)).toEqual([['a']])
    expect(durable).toEqual([])
    disk.answer = async () => undefined
    first.resolve()
    await clock.advance(0)
    expect(sourcesOf(commits)).toEqual([['a'], ['b', 'c']])
    expect(durable).toEqual(['a', 'b', 'c'])
  })

  it('stores what waits before it closes', async () => {
    const { clock, liveness, commits, durable, queue, append } = await setUpBegun()
    append('a', 10_000)
    await queue[Symbol.asyncDispose]()
    expect(sourcesOf(commits)).toEqual([['a']])
    expect(durable).toEqual(['a'])
    await clock.advance(TICK * 5)
    expect(commits.length).toBe(1)
    expect(liveness.stalled()).toEqual([])
  })
})
