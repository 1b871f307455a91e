import { describe, expect, it } from 'vitest'
import type { Commit } from '../../buffer/port.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { type Append, makeCommitQueue } from './commit-queue.ts'
import { makeLiveness } from './liveness.ts'

const SILENCE = 30_000
const FULL = new Fault('store-io', {}, 'the disk refuses')

/** A queue on a fake clock; `disk.answer` is what the store does with a commit. */
function setUp(start?: number) {
  const clock = makeFakeClock(start)
  const liveness = makeLiveness(clock)
  const commits: Commit[] = []
  const durable: string[] = []
  const troubles: (string | null)[] = []
  const disk = { isSane: true, answer: async (): Promise<void> => undefined }
  const errors: string[] = []
  const warnings: string[] = []
  const queue = makeCommitQueue({
    async commit(commit) {
      commits.push(commit)
      await disk.answer()
    },
    clock,
    sense: { isSane: () => disk.isSane },
    log: {
      ...silentLog,
      error: (_, message) => errors.push(message),
      warn: (_, message) => warnings.push(message),
    },
    liveness,
    onTrouble: (fault) => troubles.push(fault?.code ?? null),
  })
  const append = (source: string, within_ms: number, parts: Partial<Append> = {}, readings = 1): void => {
    const builder = makeBlockBuilder()
    for (let i = 0; i < readings; i++) builder.add(i, clock.now(), i)
    void queue
      .append({ source, block: builder.take(clock.now()), within_ms, ...parts })
      .then(() => durable.push(source))
  }
  return { clock, liveness, commits, durable, troubles, errors, warnings, disk, queue, append }
}

/** The same, after the first readings of the run. */
async function setUpBegun(start?: number) {
  const parts = setUp(start)
  parts.append('first', 0)
  await parts.clock.advance(0)
  parts.commits.length = 0
  parts.durable.length = 0
  parts.troubles.length = 0
  return parts
}

const sourcesOf = (commits: readonly Commit[]): string[][] => commits.map((c) => c.blocks.map((b) => b.source))

describe('the commit queue', () => {
  it('does not make the first readings of a run wait, whatever came before them', async () => {
    const { clock, commits, append } = setUp()
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

  it('stores an empty commit each time nothing came for `grace`', async () => {
    const { clock, commits, append } = await setUpBegun()
    await clock.advance(SILENCE)
    expect(sourcesOf(commits)).toEqual([[]])
    append('a', 0)
    await clock.advance(SILENCE - 1)
    expect(sourcesOf(commits)).toEqual([[], ['a']])
    await clock.advance(1)
    expect(sourcesOf(commits)).toEqual([[], ['a'], []])
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

  it('tries a commit again until the disk takes it, and says so once', async () => {
    const { clock, liveness, commits, durable, troubles, errors, disk, queue, append } = await setUpBegun()
    const since = clock.now()
    disk.answer = () => Promise.reject(FULL)
    append('a', 0)
    await clock.advance(600_000)
    append('b', 0)
    expect(commits.length).toBeGreaterThan(10)
    expect(new Set(commits).size).toBe(1)
    expect(durable).toEqual([])
    expect(queue.waiting).toBe(2)
    expect(troubles).toEqual(['store-io'])
    expect(liveness.stalled()).toEqual([])
    expect(queue.trouble).toEqual({ code: 'store-io', message: FULL.message, hint: FULL.hint, since })
    expect(errors).toEqual(['commit failed: the disk refuses'])

    disk.answer = async () => undefined
    await clock.advance(SILENCE)
    expect(troubles).toEqual(['store-io', null])
    expect(queue.trouble).toBeNull()
    expect(durable).toEqual(['a', 'b'])
    expect(sourcesOf([...new Set(commits)]).slice(0, 2)).toEqual([['a'], ['b']])
  })

  it('says once a minute that it goes on, and at once when it is another fault', async () => {
    const { clock, errors, warnings, disk, append } = await setUpBegun()
    disk.answer = () => Promise.reject(FULL)
    append('a', 0)
    await clock.advance(3_600_000)
    expect(warnings.length).toBeGreaterThan(30)
    expect(warnings.length).toBeLessThanOrEqual(60)
    disk.answer = () => Promise.reject(new Fault('store-full', {}, 'no room'))
    await clock.advance(SILENCE)
    expect(errors).toEqual(['commit failed: the disk refuses', 'commit failed: no room'])
  })

  it('stores what piled up in pieces, in order', async () => {
    const { clock, commits, durable, queue, append } = await setUpBegun()
    for (const [source, readings] of [
      ['a', 30_000],
      ['b', 20_000],
      ['c', 60_000],
      ['d', 1],
    ] as const) {
      append(source, 10, {}, readings)
    }
    await clock.advance(10)
    expect(sourcesOf(commits)).toEqual([['a', 'b'], ['c'], ['d']])
    expect(durable).toEqual(['a', 'b', 'c', 'd'])
    expect([queue.waiting, queue.held]).toEqual([0, 0])
  })

  it('says at the first commit of a run, and only then, that the disk takes it', async () => {
    const { clock, troubles, append } = setUp()
    append('a', 0)
    await clock.advance(0)
    append('b', 0)
    await clock.advance(0)
    expect(troubles).toEqual([null])
  })

  it('ends on a bug, says so, and calls nothing durable', async () => {
    const { clock, liveness, durable, troubles, disk, append } = await setUpBegun()
    disk.answer = () => Promise.reject(new TypeError('bug'))
    append('a', 0)
    await clock.advance(SILENCE * 5)
    expect(durable).toEqual([])
    expect(troubles).toEqual(['store-io'])
    expect(liveness.stalled()).toEqual(['commit'])
  })

  it('stores what waits before it closes', async () => {
    const { clock, liveness, commits, durable, queue, append } = await setUpBegun()
    append('a', 10_000)
    await queue[Symbol.asyncDispose]()
    expect(sourcesOf(commits)).toEqual([['a']])
    expect(durable).toEqual(['a'])
    await clock.advance(SILENCE * 5)
    expect(commits.length).toBe(1)
    expect(liveness.stalled()).toEqual([])
  })

  it('does not wait for a disk that refuses when it closes', async () => {
    const { durable, disk, queue, append } = await setUpBegun()
    disk.answer = () => Promise.reject(FULL)
    append('a', 10_000)
    await queue[Symbol.asyncDispose]()
    expect(durable).toEqual([])
  })
})
