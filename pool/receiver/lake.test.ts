import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import { ask, expectProblem, lakeFiles, put, startReceiver } from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL } from '../../test/support/sealing.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'

const plant = newKey()
const rival = newKey()
const contributors = { plant: plant.id, rival: rival.id }
const sealed = (changes: Partial<SealInput> = {}): SealedBatch => seal(makeSealInput({ signing: plant, ...changes }))

describe('a crash', () => {
  const path = (id: string): string => `${POOL}/press-stream/2026-11-24/${id}.parquet`

  it.each([
    { name: 'before the file was renamed', file: false },
    { name: 'between the file and the index', file: true },
  ])('$name leaves no batch, and the next delivery stores it once', async ({ file }) => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    await put(pool.url, batch)
    await pool.stop()
    // What a kill at that moment leaves: a batch announced, its file there or still a temporary one.
    const db = new Database(join(pool.data, 'index.sqlite'))
    db.prepare("update batch set state = 'incoming'").run()
    db.close()
    if (!file) rmSync(join(pool.data, 'lake', path(batch.id)))
    writeFileSync(join(pool.data, 'incoming', batch.id), 'half')

    await pool.restart()
    expect(lakeFiles(pool.data)).toEqual([])
    expect(readdirSync(join(pool.data, 'incoming'))).toEqual([])
    expect((await ask(pool.url, 'GET', `/v1/pools/${POOL}/batches/${batch.id}`)).status).toBe(404)
    expect((await put(pool.url, batch)).status).toBe(201)
    expect(lakeFiles(pool.data)).toEqual([path(batch.id)])
  })

  it('in a withdrawal finishes it', async () => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    await put(pool.url, batch)
    await pool.stop()
    const db = new Database(join(pool.data, 'index.sqlite'))
    db.prepare("update batch set state = 'withdrawing'").run()
    db.close()
    await pool.restart()
    expect(lakeFiles(pool.data)).toEqual([])
  })

  it('is not needed to see that the disk refuses: nothing is stored, and the sender is to come again', async () => {
    await using pool = await startReceiver(contributors)
    rmSync(join(pool.data, 'lake'), { recursive: true })
    writeFileSync(join(pool.data, 'lake'), 'in the way')
    const answer = await put(pool.url, sealed())
    expectProblem(answer, 'unavailable')
    expect(answer.headers.get('retry-after')).toBe('30')
    rmSync(join(pool.data, 'lake'))
    expect((await put(pool.url, sealed())).status).toBe(201)
  })

  it('cannot come from a second receiver in the same folder', async () => {
    await using pool = await startReceiver(contributors)
    const { openBatchIndex } = await import('./batch-index.ts')
    expect(() => openBatchIndex(join(pool.data, 'index.sqlite'))).toThrow(
      expect.objectContaining({ code: 'store-locked' }),
    )
  })
})
