import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import { type Answer, ask, expectProblem, put, startReceiver } from '../../test/support/receiver.ts'
import {
  CONTRIBUTOR,
  makeDisclosed,
  makeSealInput,
  newKey,
  POOL,
  rowsWith,
  SLOT,
  STREAM,
} from '../../test/support/sealing.ts'
import { batchIdOf } from '../../uplink/manifest.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'
import { formatBatchSignature, formatContentDigest, type Purpose, sha256Of, signBatch } from '../../uplink/signature.ts'

const plant = newKey()
const rival = newKey()
const contributors = { plant: plant.id, rival: rival.id }
const sealed = (changes: Partial<SealInput> = {}): SealedBatch => seal(makeSealInput({ signing: plant, ...changes }))

describe('the report', () => {
  it('says rows, gaps, what the plant gave up, what was refused and what overlaps', async () => {
    await using pool = await startReceiver(contributors)
    await put(pool.url, sealed({ seq: 7 }))
    const later = makeDisclosed(3, { slots: makeDisclosed().slots.map((slot) => slot + 3 * SLOT) })
    await put(pool.url, sealed({ seq: 11, disclosed: later }))
    await put(pool.url, sealed({ seq: 3, stream: 'B'.repeat(13) }))
    await put(pool.url, sealed({ seq: 12, disclosed: rowsWith({ unit: 'K' }) }))
    await put(pool.url, signed(sealed({ seq: 13 }), randomBytes(16_384)))
    const key = { pool: POOL, dataset: 'press-stream', contributor: CONTRIBUTOR, stream: STREAM, epoch: 0, seq: 9 }
    for (const expected of [204, 204]) expect((await bury(pool.url, key, 'full')).status).toBe(expected)
    expectProblem(await bury(pool.url, { ...key, seq: 10 }, 'full', 'batch'), 'identity')
    expectProblem(await bury(pool.url, key, 'A reason with a name'), 'request-malformed')

    const { body } = await ask(pool.url, 'GET', `/v1/pools/${POOL}/report`)
    expect(JSON.parse(body)).toEqual({
      pool: POOL,
      rejected: { 'schema-unknown': 1 },
      withdrawn: [],
      contributors: [
        {
          contributor: CONTRIBUTOR,
          rows: 18,
          rejected: { unit: 1 },
          overlaps: [{ dataset: 'press-stream', from: '2026-11-24T04:00:00.000Z', until: '2026-11-24T04:03:00.000Z' }],
          streams: [
            expect.objectContaining({ stream: 'B'.repeat(13), batches: 1, rows: 6, gaps: [], last_seq: 3 }),
            {
              dataset: 'press-stream',
              stream: STREAM,
              epoch: 0,
              first_seq: 7,
              last_seq: 11,
              batches: 2,
              rows: 12,
              from: '2026-11-24T04:00:00.000Z',
              until: '2026-11-24T04:06:00.000Z',
              gaps: [
                [8, 8],
                [10, 10],
              ],
              tombstones: [{ seq: 9, reason: 'full' }],
            },
          ],
        },
      ],
    })
  })

  function bury(
    url: string,
    key: Parameters<typeof batchIdOf>[0],
    reason: string,
    purpose: Purpose = 'tombstone',
  ): Promise<Answer> {
    const { pool, ...fields } = key
    const body = JSON.stringify({ v: 1, ...fields, reason })
    const signature = signBatch(plant, pool, sha256Of(body), purpose)
    return ask(url, 'PUT', `/v1/pools/${pool}/batches/${batchIdOf(key)}/tombstone`, {
      body,
      headers: {
        'Content-Type': 'application/json',
        'Content-Digest': formatContentDigest(sha256Of(body)),
        'Batch-Signature': formatBatchSignature({ key: plant.id, signature }),
      },
    })
  }
})

function signed(batch: SealedBatch, bytes: Uint8Array): SealedBatch {
  return { ...batch, bytes, signature: signBatch(plant, POOL, sha256Of(bytes)) }
}
