import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { askKernel, watchKernel } from './kernel-clock.ts'

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

  it('is asked again and again, until it is over', async () => {
    const clock = makeFakeClock()
    const stop = new AbortController()
    let asked = 0
    const answers = [true, false, null, true]
    const latest = await watchKernel({ clock, signal: stop.signal, ask: async () => answers[asked++] ?? null })
    expect(latest()).toEqual({ synchronized: true, asked: 0 })
    await clock.advance(15_000)
    expect(latest()).toEqual({ synchronized: false, asked: 15_000 })
    await clock.advance(15_000)
    expect(latest().synchronized).toBeNull()
    stop.abort()
    await clock.advance(60_000)
    expect(asked).toBe(3)
  })
})
