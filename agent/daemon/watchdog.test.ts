import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startWatchdog } from './watchdog.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watchdog-'))
  writeFileSync(join(folder, 'said'), '')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) // a command that was just started may still write
  })
})

/** A watchdog that beats every 10 ms, with a `systemd-notify` that writes down what it is told. */
function setUp(parts: { readonly stalled?: readonly string[]; readonly ping?: () => Promise<unknown> } = {}) {
  const script = `#!/bin/sh\necho "$*" >> '${join(folder, 'said')}'\n`
  writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o755 })
  vi.stubEnv('PATH', folder + delimiter + process.env.PATH)
  vi.stubEnv('NOTIFY_SOCKET', join(folder, 'notify.sock'))
  vi.stubEnv('WATCHDOG_USEC', '30000')
  const complaints: string[] = []
  const watchdog = startWatchdog({
    liveness: { watch: () => ({ beat: () => undefined, end: () => undefined }), stalled: () => parts.stalled ?? [] },
    log: { ...silentLog, error: (_, message) => complaints.push(message) },
    ping: parts.ping ?? (async () => []),
  })
  const said = (): string[] => readFileSync(join(folder, 'said'), 'utf8').trim().split('\n')
  const stop = async (): Promise<void> => {
    await watchdog[Symbol.asyncDispose]()
    await eventually(() => expect(said()).toContain('STOPPING=1'))
  }
  onTestFinished(stop)
  return { complaints, said, stop }
}

describe('the watchdog', () => {
  it('says that the agent is ready, alive and stopping', async () => {
    const { said, stop } = setUp()
    await eventually(() => expect(said()).toEqual(expect.arrayContaining(['READY=1', 'WATCHDOG=1'])))
    await stop()
  })

  it.each([
    { name: 'a loop has stalled', parts: { stalled: ['commit'] }, complaint: /loops do not turn/ },
    { name: 'the store fails', parts: { ping: () => Promise.reject(new Error('gone')) }, complaint: /watchdog/ },
  ])('is not fed where $name', async ({ parts, complaint }) => {
    const { complaints, said, stop } = setUp(parts)
    await eventually(() => expect(complaints.length).toBeGreaterThan(3))
    expect(complaints[0]).toMatch(complaint)
    await stop()
    expect(said()).not.toContain('WATCHDOG=1')
  })

  it('is fed while the disk refuses: a start would not better it', async () => {
    const { said, stop } = setUp({
      ping: () => Promise.reject(new Fault('store-io', {}, 'the file system is read-only')),
    })
    await eventually(() => expect(said()).toContain('WATCHDOG=1'))
    await stop()
  })

  it('is silent where no one listens', async () => {
    vi.stubEnv('NOTIFY_SOCKET', '')
    vi.stubEnv('PATH', folder)
    const ping = vi.fn(async () => undefined)
    const liveness = { watch: vi.fn(), stalled: () => [] }
    await startWatchdog({ liveness, log: silentLog, ping })[Symbol.asyncDispose]()
    expect(ping).not.toHaveBeenCalled()
  })
})
