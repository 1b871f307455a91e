import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import { silentLog } from '../../core/log.ts'
import {
  type Answer,
  ask,
  expectProblem,
  lakeFiles,
  put,
  startReceiver,
  withdrawal,
} from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL, STREAM, tableRows } from '../../test/support/sealing.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'
import { formatBatchSignature, type SigningKey, sha256Of, signBatch, verifyClaims } from '../../uplink/signature.ts'
import { importFolder } from './import.ts'
import { openParts } from './parts.ts'

const plant = newKey()
const rival = newKey()
const contributors = { plant: plant.id, rival: rival.id }
const sealed = (changes: Partial<SealInput> = {}): SealedBatch => seal(makeSealInput({ signing: plant, ...changes }))
const OTHER = 'OTHER'.padEnd(13, '0')

function withdraw(pool: { readonly url: string }, key: SigningKey, stream = STREAM): Promise<Answer> {
  return ask(pool.url, 'DELETE', `/v1/pools/${POOL}/streams/${stream}`, withdrawal(stream, key))
}

describe('a stream that is withdrawn', () => {
  it('takes its batches of every dataset with it and leaves a signed receipt, the same each time', async () => {
    await using pool = await startReceiver(contributors)
    const batches = [sealed(), sealed({ seq: 8 }), sealed({ disclosed: tableRows(), size_class: 8_192 })]
    for (const batch of batches) expect((await put(pool.url, batch)).status).toBe(201)
    await put(pool.url, sealed({ stream: OTHER, contributor: 'D'.repeat(26) }))

    const answer = await withdraw(pool, plant)
    expect(answer.status).toBe(200)
    const receipt = JSON.parse(answer.body)
    expect(receipt).toMatchObject({ pool: POOL, stream: STREAM, batches: 3 })
    expect(receipt.sha256).toBe(sha256Of(JSON.stringify(batches.map(({ id }) => id).sort())))
    expect(verifyClaims('withdrawal-receipt', receipt, pool.receipt_key)).toBe(true)
    expect(lakeFiles(pool.data)).toHaveLength(1)

    await pool.restart()
    expect(await withdraw(pool, plant)).toMatchObject({ status: 200, body: answer.body })
    expect(await ask(pool.url, 'GET', `/v1/pools/${POOL}/streams/${STREAM}`)).toMatchObject({ body: answer.body })
    expect(pool.report()[0]).toMatchObject({ withdrawn: [{ stream: STREAM, batches: 3 }] })
  })

  it('takes nothing more, neither new nor known', async () => {
    await using pool = await startReceiver(contributors)
    await put(pool.url, sealed())
    await withdraw(pool, plant)
    expectProblem(await put(pool.url, sealed()), 'withdrawn')
    expectProblem(await put(pool.url, sealed({ seq: 8 })), 'withdrawn')
    expect(lakeFiles(pool.data)).toEqual([])
  })

  it('may be one of which nothing came yet', async () => {
    await using pool = await startReceiver(contributors)
    expect(JSON.parse((await withdraw(pool, plant)).body)).toMatchObject({ batches: 0 })
    expectProblem(await put(pool.url, sealed()), 'withdrawn')
  })

  it('is not that of another contributor, who cannot shut it either', async () => {
    await using pool = await startReceiver(contributors)
    await put(pool.url, sealed())
    expectProblem(await withdraw(pool, rival), 'identity')
    expectProblem(await withdraw(pool, newKey()), 'identity')
    expect(lakeFiles(pool.data)).toHaveLength(1)
    expect((await withdraw(pool, rival, OTHER)).status).toBe(200)
    expect((await put(pool.url, sealed({ stream: OTHER, seq: 8 }))).status).toBe(201)
  })

  it('may be withdrawn with a key of before, and by a key that came later', async () => {
    const next = newKey()
    await using pool = await startReceiver({ plant: next.id }, { former_keys: { plant: [plant.id] } })
    expect((await put(pool.url, sealed())).status).toBe(201)
    expect(JSON.parse((await withdraw(pool, next)).body)).toMatchObject({ batches: 1 })
    expect((await withdraw(pool, plant)).status).toBe(200)
  })

  it('on a medium goes with what lies beside it', async () => {
    await using pool = await startReceiver(contributors)
    const medium = join(pool.data, 'medium')
    mkdirSync(medium)
    const batch = sealed()
    writeFileSync(join(medium, `${batch.id}.parquet`), batch.bytes)
    writeFileSync(join(medium, `${batch.id}.parquet.sig`), formatBatchSignature(batch))
    const signature = signBatch(plant, POOL, sha256Of(STREAM), 'withdrawal')
    writeFileSync(join(medium, `${STREAM}.withdrawal`), `{"stream":"${STREAM}","v":1}`)
    writeFileSync(join(medium, `${STREAM}.withdrawal.sig`), formatBatchSignature({ key: plant.id, signature }))
    await pool.stop()
    using parts = openParts(pool.setup, silentLog)
    const report = await importFolder(medium, pool.setup.pools, parts)
    expect(report).toMatchObject({ stored: 1, withdrawn: 1, refused: [] })
    expect(lakeFiles(pool.data)).toEqual([])
  })
})
