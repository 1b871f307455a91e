import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished } from 'vitest'
import { sluice, sluiceProcess } from './support/sluice.ts'
import { openSmallPlant } from './support/small-plant.ts'
import { commitOf, makeFolder, numbered, publicationTo, signalSpec, T0 } from './support/store.ts'

/** A file with 1,000 readings in 20 blocks, 400 of them published for pool `p` in one batch. */
function usedFile(): string {
  const folder = makeFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  using store = folder.open({ keep_raw: 1e12 })
  store.intern([signalSpec('a'), { ...signalSpec('text, "quoted"'), type: 'string' }])
  store.openPool('p')
  for (let i = 0; i < 20; i++) store.append(commitOf(numbered(i * 50, 50), { after: i * 1_000 }))
  store.append(commitOf([[1, 'say "hi", twice']], { after: 20_000 }))
  store.commitPublication(publicationTo(store, 'p', 400, { slot: T0 + 60_000 }))
  return join(folder.path, 'sluice.db')
}

const json = (text: string) => JSON.parse(text)

function alter(file: string, sql: string): void {
  const db = new Database(file)
  db.exec(sql)
  db.close()
}

it('inspect says what is in a file, and changes nothing', async () => {
  const file = usedFile()
  copyFileSync(file, `${file}.damaged-x`)
  const bytes = readFileSync(file)
  const { code, out } = await sluice(['buffer', 'inspect', file, '--json'])
  expect(code).toBe(0)
  expect(json(out)).toMatchObject({
    running: false,
    blocks: 21,
    readings: 1_001,
    from: T0,
    until: T0 + 20_000,
    signals: { 'press/a': 1_000 },
    batches: { held: 1 },
    set_aside: [{ file: `${file}.damaged-x`, bytes: bytes.length }],
    pools: { p: { accounts: { pending: 601 } } },
  })
  expect(readFileSync(file)).toEqual(bytes)
  expect((await sluice(['buffer', 'inspect', file])).out).toMatch(/^readings {2}1001 in 21 blocks, .*/)
})

it.each([
  [
    'a block',
    'UPDATE chunk SET data = zeroblob(length(data)) WHERE position = 12',
    /^block 12 .*: its 50 readings are damaged$/m,
  ],
  ['positions', 'DELETE FROM chunk WHERE position = 12', /^block 13 .*: follows block 11$/m],
  ['sequences', 'DELETE FROM chunk WHERE position = 12', /^block 13 .*: begins at reading 650, where 600 is next$/m],
  ['the ledger', 'UPDATE ledger SET n = n + 1', /^pool p: 1001 readings accepted, 1002 accounted for$/m],
  ['a sum', 'UPDATE pool SET raw_seq = 399', /^pool p: 1001 readings accepted, 1002 accounted for$/m],
  ['a batch', "UPDATE batch SET bytes = x'00'", /^batch [0-9A-V]{26}: its bytes are not those that were sealed$/m],
  ['the counter of batches', 'UPDATE pool SET sealed = 2', /^pool p: 2 batches sealed, 1 accounted for$/m],
])('verify finds what does not agree: %s', async (_, sql, line) => {
  const file = usedFile()
  alter(file, sql)
  const { code, out } = await sluice(['buffer', 'verify', file])
  expect(code).toBe(1)
  expect(out).toMatch(line)
})

it('export writes readings that anything can read, filtered', async () => {
  const file = usedFile()
  const all = (await sluiceProcess(['buffer', 'export', file])).out.trim().split('\n')
  expect(all).toHaveLength(1_002)
  expect(all.slice(0, 2)).toEqual([
    'time,signal,value,quality,reason,unit',
    '2026-06-01T12:00:00.000Z,press/a,0,good,,Cel',
  ])
  expect(all.at(-1)).toBe('2026-06-01T12:00:20.000Z,"press/text, ""quoted""","say ""hi"", twice",good,,Cel')
  const lines = async (...args: string[]): Promise<readonly { readonly value: unknown }[]> =>
    (await sluice(['buffer', 'export', file, '--format', 'jsonl', ...args])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  expect((await lines('--pending', 'p')).map(({ value }) => value)[0]).toBe(400)
  const window = await lines('--from', '2026-06-01T12:00:02Z', '--to', '2026-06-01T12:00:04Z', '--signal', 'press/a')
  expect(window.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, i) => 100 + i))
  expect(await sluice(['buffer', 'export', file, '--signal', 'press/zz'])).toMatchObject({ code: 2, out: '' })
  expect(await sluice(['buffer', 'export', file, '--from', 'yesterday'])).toMatchObject({ code: 2, out: '' })
})

it('repair makes a readable file of a damaged one, and says what is lost', async () => {
  const file = usedFile()
  alter(file, 'DELETE FROM chunk WHERE position = 12')
  const bytes = readFileSync(file)
  bytes.fill(0, 0, 4_096)
  writeFileSync(file, bytes)
  const refused = await sluice(['buffer', 'inspect', file])
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toMatch(/damaged: `sluice buffer repair/)
  const { code, out } = await sluice(['buffer', 'repair', file, '--json'])
  expect(code).toBe(0)
  expect(json(out)).toEqual({ file: `${file}.repaired`, blocks: 20, readings: 951, missing: 50, batches_lost: 0 })
  expect(readFileSync(file)).toEqual(bytes)
  expect((await sluice(['buffer', 'verify', `${file}.repaired`])).code).toBe(0)
  expect((await sluice(['buffer', 'repair', file])).code).toBe(2) // it is there already
  const text = `${file}.text`
  writeFileSync(text, 'no database at all')
  expect((await sluice(['buffer', 'repair', text])).code).toBe(1)
  expect(existsSync(`${text}.repaired`)).toBe(false)
})

it('goes through the running agent, and repairs only where none runs', async () => {
  const plant = await openSmallPlant()
  const args = [join(import.meta.dirname, '../agent/main.ts'), 'run', '-c', plant.config]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  for await (const line of createInterface(child.stdout)) if (line.includes('sluice is running')) break
  child.stdout.resume()
  const inspected = await sluice(['buffer', 'inspect', '--json', '-c', plant.config])
  expect(json(inspected.out)).toMatchObject({ running: true })
  expect(await sluice(['buffer', 'verify', '-c', plant.config])).toMatchObject({ code: 0 })
  expect((await sluice(['buffer', 'export', '-c', plant.config])).out).toMatch(/^time,signal,value/)
  const repair = await sluice(['buffer', 'repair', '-c', plant.config])
  expect(repair).toMatchObject({ code: 2, err: expect.stringContaining('store-locked') })
  child.kill('SIGTERM')
  await ended
  expect(await sluice(['buffer', 'verify', '-c', plant.config])).toMatchObject({ code: 0 })
  expect(await sluice(['buffer', 'repair', '-c', plant.config])).toMatchObject({
    code: 0,
    out: expect.stringContaining('all accounts add up'),
  })
})
