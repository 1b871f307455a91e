import { type Append, makeCommitQueue } from '../../agent/daemon/commit-queue.ts'
import { makeLiveness } from '../../agent/daemon/liveness.ts'
import type { Commit } from '../../buffer/port.ts'
import { silentLog } from '../../core/log.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { makeFakeClock } from './fake-clock.ts'

/** Just after the commit of a half minute: the next one is 30 s away. */
const TICKED = Date.UTC(2026, 5, 1, 12) + 100

/** A queue on a fake clock; `disk.answer` is what the store does with a commit. */
export function setUpQueue(start = TICKED) {
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
export async function setUpBegun(start?: number) {
  const parts = setUpQueue(start)
  parts.append('first', 0)
  await parts.clock.advance(0)
  parts.commits.length = 0
  parts.durable.length = 0
  parts.troubles.length = 0
  return parts
}

/** The sources of each commit's blocks, in order. */
export const sourcesOf = (commits: readonly Commit[]): string[][] => commits.map((c) => c.blocks.map((b) => b.source))
