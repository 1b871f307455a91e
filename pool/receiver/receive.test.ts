import { describe, expect, it } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { ask, expectProblem, lakeFiles, put, startReceiver, withdrawal } from '../../test/support/receiver.ts'
import {
  CONTRACT_SHA256,
  CONTRACT_YAML,
  CONTRIBUTOR,
  makeDisclosed,
  makeSealInput,
  newKey,
  POOL,
  rowsWith,
  tableRows,
} from '../../test/support/sealing.ts'
import { type SealInput, seal } from '../../uplink/seal.ts'
import { formatContentDigest, signBatch, verifyReceipt } from '../../uplink/signature.ts'

const plant = newKey()
const rival = newKey()
const contributors = { plant: plant.id, rival: rival.id }
const sealed = (changes: Partial<SealInput> = {}): SealedBatch => seal(makeSealInput({ signing: plant, ...changes }))

describe('a batch', () => {
  it('is stored, then answered with a signed receipt', async () => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    const first = await put(pool.url, batch)
    expect(first.status).toBe(201)
    const receipt = JSON.parse(first.body)
    expect(receipt).toMatchObject({
      v: 1,
      pool: POOL,
      contributor: CONTRIBUTOR,
      batch_id: batch.id,
      sha256: batch.sha256,
      kid: pool.receipt_key,
    })
    expect(verifyReceipt(receipt, pool.receipt_key)).toBe(true)
    expect(lakeFiles(pool.data)).toEqual([`${POOL}/press-stream/2026-11-24/${batch.id}.parquet`])

    expect(await put(pool.url, batch)).toMatchObject({ status: 200, body: first.body })
    expect(await ask(pool.url, 'GET', `/v1/pools/${POOL}/batches/${batch.id}`)).toMatchObject({
      status: 200,
      body: first.body,
    })
    expect(lakeFiles(pool.data)).toHaveLength(1)
  })

  it('is stored once where it is sent many times at once', async () => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(pool.url, batch)))
    expect(answers.map((a) => a.status).sort()).toEqual([...Array(7).fill(200), 201])
    expect(new Set(answers.map((a) => a.body)).size).toBe(1)
    expect(lakeFiles(pool.data)).toHaveLength(1)
  })

  it('is answered as before after a restart', async () => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    const first = await put(pool.url, batch)
    await pool.restart()
    expect(await put(pool.url, batch)).toMatchObject({ status: 200, body: first.body })
  })

  it('with other bytes under its id is refused', async () => {
    await using pool = await startReceiver(contributors)
    await put(pool.url, sealed())
    expectProblem(await put(pool.url, sealed({ disclosed: makeDisclosed(2) })), 'digest-mismatch')
    expect(lakeFiles(pool.data)).toHaveLength(1)
  })

  it('of a table is stored', async () => {
    await using pool = await startReceiver(contributors)
    expect((await put(pool.url, sealed({ disclosed: tableRows(), size_class: 8_192 }))).status).toBe(201)
  })

  it('with noise may lie outside its range, on the grid', async () => {
    await using pool = await startReceiver(contributors)
    const noise = {
      mechanism: 'discrete-laplace',
      scale: '10',
      sensitivity: 10,
      epsilon: '1',
      unit: 'one part',
    } as const
    const changes = (values: readonly number[]): Disclosed => rowsWith({ noise, values, q: new Uint8Array(6) })
    expect((await put(pool.url, sealed({ disclosed: changes([-12, 0, 1.2, 240, 2.4, 3.6]) }))).status).toBe(201)
    expectProblem(await put(pool.url, sealed({ seq: 8, disclosed: changes([-12.1, 0, 1.2, 240, 2.4, 3.6]) })), 'range')
  })
})

describe('who sends it', () => {
  it.each([
    { name: 'an unknown key', batch: () => seal(makeSealInput()) },
    {
      name: 'a signature by another key',
      batch: () => ({ ...sealed(), signature: sealed({ signing: rival }).signature }),
    },
    {
      name: 'a signature for another pool',
      batch: () => ({ ...sealed(), signature: signBatch(plant, 'other', sealed().sha256) }),
    },
    {
      name: 'a signature of a withdrawal',
      batch: () => ({ ...sealed(), signature: signBatch(plant, POOL, sealed().sha256, 'withdrawal') }),
    },
  ])('$name is an identity problem, which throws nothing away', async ({ batch }) => {
    await using pool = await startReceiver(contributors)
    expectProblem(await put(pool.url, batch()), 'identity')
    expect(lakeFiles(pool.data)).toEqual([])
  })

  it('binds a contributor to the account that used it first', async () => {
    await using pool = await startReceiver(contributors)
    await put(pool.url, sealed())
    expectProblem(await put(pool.url, sealed({ signing: rival, seq: 8 })), 'identity')
    expectProblem(await put(pool.url, sealed({ signing: rival })), 'identity')
    expect((await put(pool.url, sealed({ signing: rival, seq: 8, contributor: 'D'.repeat(26) }))).status).toBe(201)
  })
})

describe('the request', () => {
  it.each([
    {
      name: 'a damaged body',
      headers: { 'Content-Digest': formatContentDigest('00'.repeat(32)) },
      problem: 'body-corrupt',
    },
    { name: 'no digest', headers: { 'Content-Digest': 'md5=:AAAA:' }, problem: 'request-malformed' },
    { name: 'no signature', headers: { 'Batch-Signature': 'none' }, problem: 'identity' },
  ] as const)('with $name: $problem', async ({ headers, problem }) => {
    await using pool = await startReceiver(contributors)
    expectProblem(await put(pool.url, sealed(), headers), problem)
    expect(pool.report()[0]).toMatchObject({ contributors: [], rejected: {} })
  })

  it('goes to an address of the interface', async () => {
    await using pool = await startReceiver(contributors)
    for (const path of [
      '/',
      '/v1/pools/none/contract',
      `/v1/pools/${POOL}/batches/x`,
      `/v1/pools/${POOL}/batches/${'A'.repeat(26)}`,
      '/v1/%ff',
    ])
      expectProblem(await ask(pool.url, 'GET', path), 'not-found')
    const wrong = await ask(pool.url, 'POST', `/v1/pools/${POOL}/contract`)
    expectProblem(wrong, 'method')
    expect(wrong.headers.get('allow')).toBe('GET')
  })

  it('to a closed pool is told so, but replays still get their receipt', async () => {
    await using pool = await startReceiver(contributors, { state: 'closed' })
    expectProblem(await put(pool.url, sealed()), 'pool-closed')
  })

  it('gets the contract byte by byte, and the health', async () => {
    await using pool = await startReceiver(contributors)
    const contract = await ask(pool.url, 'GET', `/v1/pools/${POOL}/contract`)
    expect(contract).toMatchObject({ status: 200, contentType: 'application/yaml', body: CONTRACT_YAML })
    expect(contract.headers.get('content-digest')).toBe(formatContentDigest(CONTRACT_SHA256))
    expect((await ask(pool.url, 'GET', '/healthz')).status).toBe(200)
  })
})

describe('what became of a batch', () => {
  it('withdrawn by its contributor: the rows go, the receipt stays', async () => {
    await using pool = await startReceiver(contributors)
    const batch = sealed()
    const path = `/v1/pools/${POOL}/batches/${batch.id}`
    const { body } = await put(pool.url, batch)
    expectProblem(await ask(pool.url, 'DELETE', path, withdrawal(batch.id, rival)), 'identity')
    expectProblem(await ask(pool.url, 'DELETE', path), 'identity')
    expectProblem(
      await ask(pool.url, 'DELETE', path.replace(batch.id, 'A'.repeat(26)), withdrawal('A'.repeat(26), plant)),
      'not-found',
    )
    expect(lakeFiles(pool.data)).toHaveLength(1)
    expect((await ask(pool.url, 'DELETE', path, withdrawal(batch.id, plant))).status).toBe(204)
    expect((await ask(pool.url, 'DELETE', path, withdrawal(batch.id, plant))).status).toBe(204)
    expect(lakeFiles(pool.data)).toEqual([])
    expect(await put(pool.url, batch)).toMatchObject({ status: 200, body })
    expect(lakeFiles(pool.data)).toEqual([])
  })
})
