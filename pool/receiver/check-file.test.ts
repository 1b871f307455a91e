import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import { expectProblem, lakeFiles, put, startReceiver } from '../../test/support/receiver.ts'
import {
  CONTRACT_SHA256,
  lastColumn,
  makeDisclosed,
  makeSealInput,
  newKey,
  POOL,
  rowsWith,
  streamColumns,
  tableRows,
} from '../../test/support/sealing.ts'
import { encodeParquet } from '../../uplink/parquet.ts'
import type { ProblemName } from '../../uplink/problem.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'
import { sha256Of, signBatch } from '../../uplink/signature.ts'

const plant = newKey()
const rival = newKey()
const contributors = { plant: plant.id, rival: rival.id }
const sealed = (changes: Partial<SealInput> = {}): SealedBatch => seal(makeSealInput({ signing: plant, ...changes }))

describe('the file', () => {
  const REFUSED: readonly { name: string; batch: () => SealedBatch; problem: ProblemName }[] = [
    { name: 'noise for a file', batch: () => withBytes(sealed(), randomBytes(16_384)), problem: 'schema-unknown' },
    {
      name: 'a cut file',
      batch: () => withBytes(sealed(), sealed().bytes.subarray(0, 16_000)),
      problem: 'schema-unknown',
    },
    {
      name: 'a file without a manifest',
      batch: () => withBytes(sealed(), encodeParquet([], [])),
      problem: 'schema-unknown',
    },
    { name: 'damaged cells', batch: () => withBytes(sealed(), damaged(sealed().bytes)), problem: 'schema-unknown' },
    {
      name: 'another version of the contract',
      batch: () => sealed({ contract: { id: POOL, sha256: '00'.repeat(32) } }),
      problem: 'schema-unknown',
    },
    {
      name: 'the contract of another pool',
      batch: () => sealed({ contract: { id: 'other', sha256: CONTRACT_SHA256 } }),
      problem: 'schema-unknown',
    },
    {
      name: 'an unknown dataset',
      batch: () => sealed({ disclosed: makeDisclosed(3, { dataset: 'constructor' }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'an epoch the contract has not',
      batch: () => sealed({ disclosed: makeDisclosed(3, { epoch: 9 }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'the id of another batch',
      batch: () => ({ ...sealed(), id: sealed({ seq: 8 }).id }),
      problem: 'schema-unknown',
    },
    { name: 'more than its size class', batch: () => sealed({ size_class: 16_385 }), problem: 'too-large' },
    { name: 'less than its size class', batch: () => sealed({ size_class: 16_383 }), problem: 'schema-unknown' },
    { name: 'much more than any size class', batch: () => sealed({ size_class: 200_000 }), problem: 'too-large' },
    {
      name: 'an unknown column',
      batch: () => sealed({ disclosed: rowsWith({ name: 'operator' }) }),
      problem: 'column-unknown',
    },
    { name: 'another unit', batch: () => sealed({ disclosed: rowsWith({ unit: 'K' }) }), problem: 'unit' },
    {
      name: 'another statistic',
      batch: () => sealed({ disclosed: rowsWith({ stat: 'max' }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'another window',
      batch: () => sealed({ disclosed: rowsWith({ window_s: 1 }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'another type',
      batch: () => sealed({ disclosed: rowsWith({ type: 'double' }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'columns in another order',
      batch: () => sealed({ disclosed: makeDisclosed(3, { columns: streamColumns(6).toReversed() }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'a wider range',
      batch: () => sealed({ disclosed: rowsWith({ range: ['0', '120.1'] }) }),
      problem: 'range',
    },
    { name: 'a finer step', batch: () => sealed({ disclosed: rowsWith({ step: '0.01' }) }), problem: 'range' },
    {
      name: 'a value outside its range',
      batch: () => sealed({ disclosed: rowsWith({ range: ['0', '1.2'] }) }),
      problem: 'range',
    },
    { name: 'a value off its grid', batch: () => sealed({ disclosed: rowsWith({ step: '0.7' }) }), problem: 'range' },
    {
      name: 'a null that is not marked',
      batch: () => sealed({ disclosed: rowsWith({ q: new Uint8Array(6) }) }),
      problem: 'range',
    },
    {
      name: 'a mark that there is not',
      batch: () => sealed({ disclosed: rowsWith({ q: Uint8Array.of(2, 0, 0, 0, 0, 9) }) }),
      problem: 'range',
    },
    {
      name: 'a word outside the vocabulary',
      batch: () =>
        sealed({ disclosed: lastColumn({ values: ['run', 'Kim', 'run', 'run', 'run', 'run'], q: new Uint8Array(6) }) }),
      problem: 'range',
    },
    {
      name: 'an asset by its name',
      batch: () => sealed({ disclosed: makeDisclosed(3, { assets: Array(6).fill('press-7') }) }),
      problem: 'range',
    },
    {
      name: 'an unknown asset class',
      batch: () => sealed({ disclosed: makeDisclosed(3, { asset_classes: Array(6).fill('oven') }) }),
      problem: 'range',
    },
    {
      name: 'a row twice',
      batch: () => sealed({ disclosed: makeDisclosed(3, { assets: Array(6).fill('A'.repeat(26)) }) }),
      problem: 'schema-unknown',
    },
    {
      name: 'a slot off the grid',
      batch: () => sealed({ disclosed: makeDisclosed(3, { slots: makeDisclosed().slots.map((t) => t + 1) }) }),
      problem: 'range',
    },
    {
      name: 'a slot of another epoch',
      batch: () => sealed({ disclosed: makeDisclosed(3, { epoch: 1 }) }),
      problem: 'range',
    },
    {
      name: 'a table with another window',
      batch: () => sealed({ disclosed: tableRows({ window_s: 60 }), size_class: 8_192 }),
      problem: 'range',
    },
  ]

  it.each(REFUSED)('with $name is refused as $problem, quoting nothing of it', async ({ batch, problem }) => {
    await using pool = await startReceiver(contributors)
    const answer = await put(pool.url, batch())
    expectProblem(answer, problem)
    expect(answer.body).not.toMatch(/Kim|press-7|operator|oven/)
    expect(lakeFiles(pool.data)).toEqual([])
  })
})

/** The same id with bytes of ours, rightly signed. */
function withBytes(batch: SealedBatch, bytes: Uint8Array): SealedBatch {
  const sha256 = sha256Of(bytes)
  return { ...batch, bytes, sha256, signature: signBatch(plant, POOL, sha256) }
}

function damaged(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.fill(0xff, 20, 400)
  return copy
}
