import { describe, expect, it } from 'vitest'
import { deviations, OPERATIONS } from '../../test/support/openapi.ts'
import { ask, operationOf, put, startReceiver, withdrawal } from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL, STREAM } from '../../test/support/sealing.ts'
import { PROBLEMS, problemType } from '../../uplink/problem.ts'
import { seal } from '../../uplink/seal.ts'

describe('the OpenAPI document', () => {
  // Every answer that any test of the receiver gets is held against it too (test/support/receiver.ts).
  it('describes what every operation answers', async () => {
    const plant = newKey()
    await using pool = await startReceiver({ plant: plant.id })
    const batch = seal(makeSealInput({ signing: plant }))
    const path = `/v1/pools/${POOL}/batches/${batch.id}`
    const requests: readonly [string, string, RequestInit?][] = [
      ['GET', '/healthz'],
      ['GET', `/v1/pools/${POOL}/contract`],
      ['GET', `/v1/pools/${POOL}/report`],
      ['GET', path],
      ['DELETE', path, withdrawal(batch.id, plant)],
      ['DELETE', `/v1/pools/${POOL}/streams/${STREAM}`, withdrawal(STREAM, plant)],
      ['GET', `/v1/pools/${POOL}/streams/${STREAM}`],
      ['PUT', path],
      ['PUT', `${path}/tombstone`],
    ]
    expect((await put(pool.url, batch)).status).toBe(201)
    for (const [method, at, init] of requests) await ask(pool.url, method, at, init)
    const asked = requests.map(([method, at]) => operationOf(method, at))
    expect(OPERATIONS.filter((operation) => !asked.includes(operation))).toEqual([])
  })

  it('describes every problem', () => {
    for (const [name, { status, title }] of Object.entries(PROBLEMS)) {
      const type = problemType(name as keyof typeof PROBLEMS)
      const answer = {
        status: 404,
        contentType: 'application/problem+json',
        body: JSON.stringify({ type, status, title, detail: '' }),
      }
      expect(deviations('GET /v1/pools/{pool}/contract', answer)).toEqual([])
    }
  })

  it('sees an answer that is not as described', () => {
    const answer = { status: 200, contentType: 'application/json', body: '{"status":"well"}' }
    expect(deviations('GET /healthz', answer)).not.toEqual([])
    expect(deviations('GET /healthz', { ...answer, status: 418 })).not.toEqual([])
    expect(deviations('GET /healthz', { ...answer, contentType: 'text/html' })).not.toEqual([])
  })
})
