import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { MINUTE } from '../../test/support/disclosure.ts'
import { OIL, oil, plan, SECOND, signals } from '../../test/support/press-disclosure.ts'
import { commitOf, makeFolder, T0, type TestFolder } from '../../test/support/store.ts'
import { localBuffer, parseQuestion, remoteBuffer } from '../daemon/buffer-desk.ts'
import { previewRecent } from './recent.ts'

const policy = {
  ...{ pool: 'krjp', plan: plan({ oil }), document: { version: 1 }, max_skew: 5 * MINUTE },
  contract: { id: 'krjp', sha256: 'a'.repeat(64) },
}
const HOUR = 60 * MINUTE

/** Half an hour of readings, and who may ask for them. */
function fill(folder: TestFolder) {
  const store = folder.open()
  store.intern(signals)
  store.openPool('krjp')
  for (let i = 0; i < 180; i++) {
    const arrival = unixMs(T0 + i * 10 * SECOND)
    const builder = makeBlockBuilder()
    builder.add(OIL, arrival, 20 + (i % 60))
    const block = builder.take(arrival, { 'press-7': arrival })
    store.append({ ...commitOf([], { after: i * 10 * SECOND }), blocks: [{ source: 'plc', block }] })
  }
  store[Symbol.dispose]()
  return localBuffer(join(folder.path, 'sluice.db'), folder.path)
}

describe('the preview of recent readings', () => {
  it('seals a file with keys of its own each time, which holds the cells that are drawn', async () => {
    using folder = makeFolder()
    using desk = fill(folder)
    const views = [await previewRecent(desk, policy, HOUR), await previewRecent(desk, policy, HOUR)]
    const [view] = views
    expect(view).toMatchObject({ readings: 180, damaged: 0, from: T0, until: T0 + 179 * 10 * SECOND })
    const { file, whole } = view!.batches[0]!
    expect(whole).toBe(true)
    expect(file.first.map((row) => row.oil)).toEqual([view!.charts[0]!.cells.at(-1)])
    expect(file.manifest).toMatchObject({ pool: 'krjp', dataset: 'stream', rows: 1, contract: policy.contract })
    const ids = views.map((one) => [one!.batches[0]!.file.first[0]!.asset, one!.batches[0]!.file.key])
    expect(ids[0]).not.toEqual(ids[1])
  })

  it('takes the latest readings only, and shows the same through a running agent', async () => {
    using folder = makeFolder()
    using desk = fill(folder)
    const remote = remoteBuffer(async (asked) => JSON.parse(JSON.stringify(await desk.ask(parseQuestion(asked)))))
    const [here, there] = [
      await previewRecent(desk, policy, 10 * MINUTE),
      await previewRecent(remote, policy, 10 * MINUTE),
    ]
    expect(here!.readings).toBe(60)
    expect(here!.charts[0]!.cells.length).toBeGreaterThan(7)
    expect(there!.charts).toEqual(here!.charts)
  })

  it('leaves the data folder as it is', async () => {
    using folder = makeFolder()
    using desk = fill(folder)
    const bytes = (): Buffer => readFileSync(join(folder.path, 'sluice.db'))
    const before = bytes()
    const marks = readFileSync(join(folder.path, 'high-water'))
    await previewRecent(desk, policy, HOUR)
    expect(bytes().equals(before)).toBe(true)
    expect(readFileSync(join(folder.path, 'high-water')).equals(marks)).toBe(true)
  })

  it('has nothing to show of an empty log', async () => {
    using folder = makeFolder()
    folder.open()[Symbol.dispose]()
    using desk = localBuffer(join(folder.path, 'sluice.db'), folder.path)
    expect(await previewRecent(desk, policy, HOUR)).toBeUndefined()
  })
})
