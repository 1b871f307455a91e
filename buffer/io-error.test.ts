import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commitOf, makeFolder, numbered, readingsOf, signalSpec, T0 } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'

const PRLIMIT = '/usr/bin/prlimit'

describe('an I/O error', () => {
  it.skipIf(!existsSync(PRLIMIT))('refuses what it hit, and the same store goes on once the disk does', () => {
    const ignore = (): void => undefined
    process.on('SIGXFSZ', ignore)
    const limitFiles = (bytes: string): unknown =>
      execFileSync(PRLIMIT, ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`])
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.openPool('p')
    let acknowledged = 0
    const append = (times: number): readonly unknown[] => {
      const refusals: unknown[] = []
      for (let i = 0; i < times; i++) {
        try {
          store.append(commitOf(numbered(acknowledged, 500), { after: i }))
          acknowledged += 500
        } catch (error) {
          refusals.push(error)
        }
      }
      return refusals
    }

    expect(append(20)).toEqual([])
    limitFiles('8192')
    const alarm = { key: 'pool:p', code: 'pool-identity', message: '', at: T0 }
    expect(() => store.raiseAlarm(alarm)).toThrow(expect.objectContaining({ code: 'store-io' }))
    limitFiles('unlimited')
    expect(append(20)).toEqual([])
    limitFiles('8192') // every write beyond fails with EFBIG
    try {
      const refusals = append(5)
      expect(refusals).toHaveLength(5)
      for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'store-io' })
    } finally {
      limitFiles('unlimited')
      process.off('SIGXFSZ', ignore)
    }
    expect(append(20)).toEqual([])
    expect(readingsOf(store)).toEqual(Array.from({ length: acknowledged }, (_, i) => i))
    expect(store.status(T0).alarms).toEqual([])
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('names the file that was refused, which may not be the database', () => {
    using folder = makeFolder()
    folder.open()[Symbol.dispose]()
    const file = join(folder.path, 'high-water')
    rmSync(file)
    symlinkSync(file, file)
    const refusal = { code: 'store-io', where: { file } }
    expect(() => folder.open()).toThrow(expect.objectContaining(refusal))
  })
})
