import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../core/log.ts'
import { newKey } from '../../test/support/sealing.ts'
import { makeFolder, publicationTo, T0, type TestFolder } from '../../test/support/store.ts'
import { openAuditKey } from '../audit/audit-key.ts'
import { makeNotary } from '../daemon/notary.ts'
import { exportAudit, listAudit, verifyAudit } from './audit.ts'

/** A stopped agent's folder whose log has four leaves, signed, with the copy in `held`. */
async function stoppedFolder(folder: TestFolder): Promise<string> {
  const held = join(folder.path, 'held')
  mkdirSync(held)
  const config = join(folder.path, 'sluice.yaml')
  writeFileSync(config, `version: 1\ngateway: { name: hall-2, data_dir: . }\naudit: { checkpoints: held }\npools: {}\n`)
  using store = folder.open()
  store.openPool('p')
  for (let minute = 1; minute <= 4; minute++)
    store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + minute * 60_000 }))
  const notary = makeNotary({
    store: {
      look: async (question) => store.look(question),
      addCheckpoint: async (size, text) => store.addCheckpoint(size, text),
      record: async (event, at) => store.record(event, at),
    },
    key: () => openAuditKey(folder.path),
    dir: held,
    gateway: 'hall-2',
    clock: { now: () => T0 },
    log: silentLog,
    broken: (fault) => expect.fail(fault.message),
  })
  await notary.sign()
  await notary.copied()
  return config
}

function change(folder: TestFolder, sql: string): void {
  const db = new Database(join(folder.path, 'sluice.db'))
  db.exec(sql)
  db.close()
}

/** What a command prints, and whether it failed. */
async function ran(command: () => Promise<void>): Promise<{ readonly out: string; readonly failed: boolean }> {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await command()
    return { out: print.mock.calls.map(([line]) => `${line}\n`).join(''), failed: process.exitCode === 1 }
  } finally {
    print.mockRestore()
    process.exitCode = undefined
  }
}

describe('sluice audit', () => {
  it('lists, exports and verifies the log of a folder without an agent', async () => {
    using folder = makeFolder()
    const config = await stoppedFolder(folder)
    const listed = await ran(() => listAudit({ config, json: true, limit: 3 }))
    expect(JSON.parse(listed.out)).toMatchObject([1, 2, 3].map((n) => ({ n, kind: 'sealed', pool: 'p' })))

    const verified = await ran(() => verifyAudit({ config }))
    expect(verified.failed).toBe(false)
    expect(verified.out).toMatch(/proven: leaves 0 to 3 are as they were on 2026-06-01.*held/)

    const file = join(folder.path, 'export.jsonl')
    writeFileSync(file, (await ran(() => exportAudit({ config }))).out)
    const exported = await ran(() => verifyAudit({ config: 'none', export: file, json: true }))
    expect(exported.failed).toBe(false)
    expect(JSON.parse(exported.out)).toMatchObject({ ok: true, size: 4, checkpoints: { here: 1, elsewhere: 0 } })
    expect(exported.out).toMatch(/not proven: leaves 0 to 3, which vouch for themselves alone/)
    expect(exported.out).not.toMatch(/"proven:/)
    const key = openAuditKey(folder.path).id
    const known = await ran(() => verifyAudit({ config: 'none', export: file, key }))
    expect(known.out).toMatch(/^proven: leaves 0 to 3 /m)
    const other = newKey().id
    const foreign = await ran(() => verifyAudit({ config: 'none', export: file, key: other }))
    expect(foreign.failed).toBe(true)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"rows":1', '"rows":2'))
    expect((await ran(() => verifyAudit({ config: 'none', export: file }))).failed).toBe(true)
  })

  it('finds what was changed in the database', async () => {
    using folder = makeFolder()
    const config = await stoppedFolder(folder)
    change(folder, 'UPDATE audit SET leaf = replace(leaf, \'"rows":1\', \'"rows":9\') WHERE n = 1')
    change(folder, 'DELETE FROM audit WHERE n = 3')
    const { failed, out } = await ran(() => verifyAudit({ config }))
    expect(failed).toBe(true)
    expect(out).toMatch(/leaf 2 does not follow on the leaf before it/)
    expect(out).toMatch(/held elsewhere: the log has 3 leaves: its end was cut off/)
  })
})
