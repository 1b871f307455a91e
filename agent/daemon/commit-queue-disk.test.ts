import { describe, expect, it } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { setUpBegun, setUpQueue, sourcesOf } from '../../test/support/commit-queue.ts'

const TICK = 30_000
const FULL = new Fault('store-io', {}, 'the disk refuses')

describe('the commit queue before a disk that refuses', () => {
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
    await clock.advance(TICK)
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
    await clock.advance(TICK)
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
    const { clock, troubles, append } = setUpQueue()
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
    await clock.advance(TICK * 5)
    expect(durable).toEqual([])
    expect(troubles).toEqual(['store-io'])
    expect(liveness.stalled()).toEqual(['commit'])
  })

  it('does not wait for a disk that refuses when it closes', async () => {
    const { durable, disk, queue, append } = await setUpBegun()
    disk.answer = () => Promise.reject(FULL)
    append('a', 10_000)
    await queue[Symbol.asyncDispose]()
    expect(durable).toEqual([])
  })
})
