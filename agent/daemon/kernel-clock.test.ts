import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { askKernel, makeKernelWatch } from './kernel-clock.ts'

/** A command that ends as told, and a folder that may be there. */
function machine(script: string | null, timesync: 'absent' | 'empty' | 'synchronized') {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-clock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [command, sync] = [join(folder, 'timedatectl'), join(folder, 'timesync')]
  if (script !== null) {
    writeFileSync(command, `#!/bin/sh\n${script}\n`)
    chmodSync(command, 0o755)
  }
  if (timesync !== 'absent') mkdirSync(sync)
  if (timesync === 'synchronized') writeFileSync(join(sync, 'synchronized'), '')
  return askKernel(command, sync)
}

describe('the kernel’s clock', () => {
  it.each([
    ['timedatectl says yes', 'echo yes', 'absent', true],
    ['timedatectl says no, whatever timesyncd once did', 'echo no', 'synchronized', false],
    ['timedatectl reaches no system bus, timesyncd has set the clock', 'exit 1', 'synchronized', true],
    ['timedatectl reaches no system bus, timesyncd has not set the clock', 'exit 1', 'empty', false],
    ['there is timesyncd alone', null, 'synchronized', true],
    ['nothing is there', null, 'absent', null],
    ['timedatectl fails and nothing else is there', 'exit 1', 'absent', null],
  ] as const)('%s', async (_, script, timesync, answer) => {
    expect(await machine(script, timesync)).toBe(answer)
  })

  it('is asked when somebody wants to know, every 15 s at most', async () => {
    const clock = makeFakeClock()
    let asked = 0
    const answers = [true, false, null, true]
    const watch = makeKernelWatch({ clock, ask: async () => answers[asked++] ?? null })
    await watch.ask()
    await clock.advance(60_000)
    expect([watch.latest(), watch.latest()]).toEqual(Array(2).fill({ synchronized: true, asked: 0 }))
    await clock.advance(14_999)
    expect([watch.latest(), asked]).toEqual([{ synchronized: false, asked: 60_000 }, 2])
    await clock.advance(1)
    watch.latest()
    await clock.advance(0)
    expect(watch.latest().synchronized).toBeNull()
  })
})
