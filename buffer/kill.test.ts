import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { makeFolder, readingsOf, T0 } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { readHighWater } from './high-water.ts'

const WRITER = join(import.meta.dirname, '../test/support/store-writer.ts')

/** Runs the writer until it has said `lines` lines, kills it, and returns the last number of each kind it said. */
async function killAfter(folder: string, lines: number): Promise<Readonly<Record<string, number>>> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: Record<string, number> = {}
  let count = 0
  const exit = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, n] = line.split(' ')
    said[kind!] = Number(n)
    if (++count === lines) child.kill('SIGKILL')
  }
  await exit
  expect(child.signalCode).toBe('SIGKILL')
  return said
}

describe('kill -9', () => {
  it('loses nothing that was acknowledged and stores nothing twice', async () => {
    using folder = makeFolder()
    for (const lines of [1, 7, 60, 400, 33]) {
      const said = await killAfter(folder.path, lines)
      using store = folder.open()
      const status = store.status(T0)
      const { accounts, batches, cursor } = status.pools.p!
      expect(accountProblems(status)).toEqual([])
      expect(status.alarms).toEqual([])
      // One call more than was said may have been made durable.
      expect(status.accepted).toBeGreaterThanOrEqual(said.a!)
      expect(cursor.raw_seq).toBeGreaterThanOrEqual(said.c ?? 0)
      expect(batches.sealed).toBeGreaterThanOrEqual(said.b ?? 0)
      expect(batches.delivered).toBeGreaterThanOrEqual(said.d ?? 0)
      expect(accounts.accepted).toBe(status.accepted)
      const kept = readingsOf(store)
      const first = status.accepted - kept.length
      expect(kept).toEqual(Array.from(kept, (_, i) => first + i))
      expect(first).toBeLessThanOrEqual(cursor.raw_seq)
      expect(store.marks('s').map(({ hash }) => Buffer.from(hash).toString())).toEqual([String(status.accepted)])
      expect(readHighWater(folder.path)).toMatchObject({ raw_seq: status.accepted })
    }
  })
})
