import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** They last longest, so they begin first: else one of them would go on alone at the end. */
const LONGEST = ['kill', 'pools', 'network', 'disk', 'powercut', 'demo', 'outage', 'commands', 'buffer'].map(
  (name) => `test/${name}.test.ts`,
)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`))
      return found < 0 ? LONGEST.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

/** Where there is memory for it: folders of tests are short-lived, and a store syncs its file at each commit. */
function memoryFolder(): { readonly TMPDIR?: string } {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 4e9 ? { TMPDIR: '/dev/shm' } : {}
  } catch {
    return {} // not Linux
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**'],
    // For a machine that is busy with other things; none takes that long by itself.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Native modules (SQLite) and worker threads are safest in processes. Files share them, because a test leaves nothing
    // behind, and to start one and import everything anew takes longer than most files do.
    pool: 'forks',
    isolate: false,
    // Most tests wait for processes and sockets more than they compute.
    maxWorkers: 3,
    // As test/support/eventually.ts does.
    expect: { poll: { timeout: 30_000, interval: 10 } },
    sequence: { sequencer: LongestFirst },
    env: {
      ...memoryFolder(),
      // As agent/main.ts has it: programs that tests start are compiled once.
      NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/sluice'),
    },
  },
})
