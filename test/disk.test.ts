import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openModbusSimulator } from '../adapters/modbus/simulator.ts'
import { askAgent, socketPath } from '../agent/daemon/control.ts'
import type { AgentStatus } from '../agent/daemon/status.ts'
import { accountProblems } from '../buffer/accounts.ts'
import { openStore } from '../buffer/store.ts'
import { makeClock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { type DiskState, hasCompiler, makeFaultyDisk } from './support/faulty-disk.ts'
import { readingsOf, T0 } from './support/store.ts'

/**
 * The real agent on a disk that refuses or is slow: it goes on reading into memory, says so, recovers by itself, never
 * spins, and loses nothing.
 */

/** Node's start, SQLite's opening and the first reads, on a machine that is busy. */
const PATIENCE = 60_000

/** An agent that polls a register that counts its reads, in a process of its own on a disk that fails on command. */
async function startOnFaultyDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  mkdirSync(data)
  const disk = await makeFaultyDisk(data, join(folder, 'control'))
  let reads = 0
  const plc = await openModbusSimulator({ read: () => [++reads >>> 16, reads & 0xffff] })
  onTestFinished(() => plc[Symbol.asyncDispose]())
  const config = join(folder, 'sluice.yaml')
  writeFileSync(
    config,
    `version: 1
gateway: { name: hall, data_dir: data }
sources:
  line:
    kind: modbus
    host: 127.0.0.1
    port: ${plc.port}
    timeout: 30s
    devices: { press: { unit_id: 1, period: 50ms, signals: { reads: { holding: 0, type: uint32 } } } }
buffer: { flush: 50ms, min_free: 0B }
`,
  )
  const agent = spawn(process.execPath, [join(import.meta.dirname, '../agent/main.ts'), 'run', '--config', config], {
    env: { ...process.env, ...disk.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void agent.kill('SIGKILL'))
  const log: string[] = []
  createInterface(agent.stdout).on('line', (line) => log.push(line))

  async function until(wanted: (status: AgentStatus) => boolean): Promise<AgentStatus> {
    let status: AgentStatus | undefined
    for (const end = performance.now() + PATIENCE; performance.now() < end; ) {
      status = (await askAgent(socketPath(data, undefined), 'status').catch(() => undefined)) as AgentStatus | undefined
      if (status && wanted(status)) return status
      await makeClock().sleep(50)
    }
    throw new Error(`the status did not become as wanted: ${JSON.stringify(status)}\n${log.join('\n')}`)
  }

  /** Ends the agent and gives every value that it stored, in order. */
  async function stored(): Promise<readonly number[]> {
    const ended = once(agent, 'exit')
    agent.kill('SIGTERM')
    await ended
    const limits = { max_size: 64e6, max_age: 1e12, keep_raw: 1e12 }
    using store = openStore({ data_dir: data, boot: 'after', now: T0, log: silentLog, machine: null, ...limits })
    expect(accountProblems(store.status(T0))).toEqual([])
    return readingsOf(store)
  }

  const isWell = (status: AgentStatus): boolean => status.trouble === null
  return { disk, log, until, stored, isWell, reads: () => reads }
}

const refusals: readonly (readonly [name: string, state: DiskState, code: string])[] = [
  ['that is full', { fail: 'ENOSPC' }, 'store-full'],
  ['that has errors', { fail: 'EIO' }, 'store-io'],
  ['that became read-only', { fail: 'EROFS' }, 'store-io'],
]

describe.runIf(hasCompiler())('a disk', () => {
  it.each(refusals)(
    '%s costs no reading, few words and few calls, and is over when it is over',
    { timeout: 4 * PATIENCE },
    async (_, state, code) => {
      const { disk, log, until, stored, isWell, reads } = await startOnFaultyDisk()
      const before = await until((s) => isWell(s) && s.sources.line!.readings > 20)
      const said = log.length
      disk.become(state)
      const during = await until((s) => s.waiting > 60)
      expect(during.trouble).toMatchObject({ code })
      expect(during.sources.line).toMatchObject({ state: 'up' })
      expect(log.length - said).toBeLessThan(6)
      // An attempt every quarter of a second at most, of a few calls each, and a few for each status that was asked for.
      const seconds = (during.now - before.now) / 1_000
      expect(disk.refused()).toBeLessThan(1_000 + 200 * seconds)
      disk.become('right')
      const count = reads()
      const isOver = (s: AgentStatus): boolean => s.store.alarms.every((alarm) => alarm.until !== null)
      const after = await until((s) => isWell(s) && isOver(s) && s.sources.line!.readings > count)
      expect(after.ledger_ok).toBe(true)
      expect(after.rss_mb).toBeLessThan(before.rss_mb + 60)
      expect(after.store.alarms).toMatchObject([{ key: 'store', code, until: expect.any(Number) }])
      const values = await stored()
      expect(values.length).toBeGreaterThan(count)
      expect(values).toEqual(Array.from(values, (_, i) => i + 1))
    },
  )

  it('that is slow does not slow the reading', { timeout: 4 * PATIENCE }, async () => {
    const { disk, until, stored, isWell, reads } = await startOnFaultyDisk()
    await until((s) => isWell(s) && s.sources.line!.readings > 20)
    disk.become({ slow: 2_000 })
    const from = reads()
    // More is read than 2 s of a disk could hold back, while each commit takes that long.
    const during = await until((s) => s.waiting > 20)
    expect(during.sources.line).toMatchObject({ state: 'up' })
    expect(during.trouble).toBeNull()
    expect(reads()).toBeGreaterThan(from + 20)
    disk.become('right')
    const count = reads()
    await until((s) => isWell(s) && s.sources.line!.readings > count)
    const values = await stored()
    expect(values).toEqual(Array.from(values, (_, i) => i + 1))
  })
})
