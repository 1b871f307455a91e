import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { OutboxEntry } from '../buffer/batch-port.ts'
import { sluice, sluiceProcess } from './support/sluice.ts'
import { openSmallPlant, type SmallPlant, untilStatus } from './support/small-plant.ts'

const json = <T>(text: string): T => JSON.parse(text) as T
const runOutbox = (plant: SmallPlant, ...args: string[]) => sluice(['outbox', ...args, '-c', plant.config])

/** A plant whose pool is away, with batches in its outbox. */
async function openWithBatches() {
  const plant = await openSmallPlant()
  const agent = await plant.start()
  await untilStatus(agent, (s) => s.store.pools.quality!.batches.queued >= 2)
  return { plant, agent }
}

describe('sluice outbox', () => {
  it('lists, shows and gives up batches through the running agent', async () => {
    const { plant, agent } = await openWithBatches()
    const [newest, second] = json<readonly OutboxEntry[]>(
      (await sluiceProcess(['outbox', 'list', '--json', '-c', plant.config])).out,
    )
    expect(newest).toMatchObject({
      pool: 'quality',
      dataset: 'stream',
      state: 'queued',
      rows: 2,
      size: 8_192,
      held: true,
    })
    const shown = json<{ file: object }>((await runOutbox(plant, 'show', newest!.id, '--json')).out)
    expect(shown.file).toMatchObject({
      manifest: { pool: 'quality', dataset: 'stream', rows: 2 },
      columns: [{ name: 'slot' }, { name: 'asset' }, { name: 'asset_class' }, { name: 'oil_temperature' }, {}],
      rows: 2,
      first: [{ asset_class: 'press' }, { asset_class: 'press' }],
    })
    const asked = await runOutbox(plant, 'drop', newest!.id, '--reason', 'a trial run')
    expect([asked.code, asked.err.includes(newest!.id), asked.err.includes('--yes')]).toEqual([2, true, true])
    const dropped = await runOutbox(plant, 'drop', newest!.id, second!.id, '--reason', 'a trial', '--yes', '--json')
    expect(json(dropped.out)).toEqual({ dropped: expect.arrayContaining([newest!.id, second!.id]) })
    expect((await agent.status()).store.pools.quality).toMatchObject({ dropped: { operator: 2 } })
  }, 60_000)

  it('does the same in the data folder while no agent runs', async () => {
    const { plant, agent } = await openWithBatches()
    await agent[Symbol.asyncDispose]()
    const listed = await runOutbox(plant, 'list')
    expect(listed.out).toMatch(/^BATCH +POOL .*\n[0-9A-V]{26} +quality +stream +queued /)
    const id = /^[0-9A-V]{26}/m.exec(listed.out)![0]

    const folder = plant.path('exported')
    expect((await runOutbox(plant, 'export', id, '--to', folder)).code).toBe(1) // the medium is not mounted
    mkdirSync(folder)
    expect((await runOutbox(plant, 'export', id, '--to', folder)).code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual([`${id}.parquet`, `${id}.parquet.sig`, 'batches.jsonl'])
    expect(readFileSync(`${folder}/${id}.parquet`).length).toBe(8_192)

    await runOutbox(plant, 'drop', '--all', '--reason', 'over', '--yes')
    const again = await runOutbox(plant, 'drop', id, '0'.repeat(26), '--reason', 'again', '--yes')
    expect(again).toMatchObject({
      code: 1,
      err: `sluice: batch ${id}: dropped; it is settled already\nsluice: batch ${'0'.repeat(26)}: there is no such batch\n`,
    })
  }, 60_000)
})
