import { expect, it } from 'vitest'
import { canTrace } from './prove/powercut/disk-trace.ts'
import { provePowercut } from './prove/powercut/powercut.ts'

it.runIf(await canTrace())(
  'loses and doubles nothing that was acknowledged, whatever a disk keeps of what was not synced',
  async () => {
    const said: string[] = []
    const result = await provePowercut({ states: 150, messages: 200, seed: 1, say: (line) => said.push(line) })
    expect(result, said.join('\n')).toMatchObject({ states: 150, lost: 0, doubled: 0, failed_starts: 0 })
    expect(result.control_found).toBeGreaterThan(0)
  },
  300_000,
)
