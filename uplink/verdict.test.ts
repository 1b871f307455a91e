import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { CONTRIBUTOR, newKey, sealed } from '../test/support/sealing.ts'
import { PROBLEMS, type ProblemName, problemType } from './problem.ts'
import { signReceipt } from './signature.ts'
import { type Answer, makeRejectionStreak, verdictOf } from './verdict.ts'

const batch = sealed()
const poolKey = newKey()
const NOW = unixMs(Date.parse('2026-11-24T04:00:00Z'))

const claims = {
  v: 1,
  pool: batch.pool,
  contributor: CONTRIBUTOR,
  batch_id: batch.id,
  sha256: batch.sha256,
  received: '2026-11-24T04:00:00Z',
} as const
const receipt = signReceipt(poolKey, claims)

function answer(status: number, body: unknown = '', changes: Partial<Answer> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status, contentType: 'application/json', retryAfter: undefined, body: text, ...changes }
}

function problem(name: ProblemName, status: number = PROBLEMS[name].status): Answer {
  return answer(status, { type: problemType(name), status }, { contentType: 'application/problem+json; charset=utf-8' })
}

const page = answer(200, '<html>Welcome to the guest network</html>', { contentType: 'text/html' })
const other = newKey()

describe('the verdict on an answer', () => {
  it.each([
    { of: '201 with a receipt', answer: answer(201, receipt), kind: 'accepted' },
    { of: '200 with the same receipt', answer: answer(200, receipt), kind: 'accepted' },

    { of: '200 from a captive portal', answer: page, kind: 'retry', code: 'pool-receipt' },
    {
      of: 'a receipt for other bytes',
      answer: answer(201, signReceipt(poolKey, { ...claims, sha256: '00'.repeat(32) })),
      kind: 'retry',
      code: 'pool-receipt',
    },
    {
      of: 'a receipt for another batch',
      answer: answer(201, signReceipt(poolKey, { ...claims, batch_id: 'B'.repeat(26) })),
      kind: 'retry',
      code: 'pool-receipt',
    },
    {
      of: 'a receipt of another pool',
      answer: answer(201, signReceipt(poolKey, { ...claims, pool: 'other' })),
      kind: 'retry',
      code: 'pool-receipt',
    },
    {
      of: 'a receipt by another key',
      answer: answer(201, signReceipt(other, claims)),
      kind: 'retry',
      code: 'pool-receipt',
    },
    {
      of: 'a receipt that was changed',
      answer: answer(201, { ...receipt, contributor: 'D'.repeat(26) }),
      kind: 'retry',
      code: 'pool-receipt',
    },
    { of: '201 without a body', answer: answer(201), kind: 'retry', code: 'pool-receipt' },

    { of: 'digest-mismatch', answer: problem('digest-mismatch'), kind: 'rejected', code: 'pool-mismatch' },
    { of: 'schema-unknown', answer: problem('schema-unknown'), kind: 'rejected', code: 'pool-rejected' },
    { of: 'range', answer: problem('range'), kind: 'rejected', code: 'pool-rejected' },
    { of: 'unit', answer: problem('unit'), kind: 'rejected', code: 'pool-rejected' },
    { of: 'column-unknown', answer: problem('column-unknown'), kind: 'rejected', code: 'pool-rejected' },
    { of: 'too-large', answer: problem('too-large'), kind: 'rejected', code: 'pool-rejected' },
    { of: '410 pool-closed', answer: problem('pool-closed'), kind: 'closed', code: 'pool-closed' },

    { of: '400 body-corrupt', answer: problem('body-corrupt'), kind: 'retry', code: 'pool-unavailable' },
    ...[408, 425, 429, 500, 502, 503, 504].map((status) => ({
      of: `${status}`,
      answer: answer(status),
      kind: 'retry',
      code: 'pool-unavailable',
    })),
    { of: '503 with a permanent type', answer: problem('range', 503), kind: 'retry', code: 'pool-unavailable' },

    { of: '401', answer: answer(401), kind: 'hold', code: 'pool-identity' },
    { of: '403 identity', answer: problem('identity'), kind: 'hold', code: 'pool-identity' },
    ...[204, 301, 302, 307, 304, 404, 405, 409, 410, 413, 422].map((status) => ({
      of: `${status} that is not problem+json`,
      answer: answer(status, { type: problemType('range') }),
      kind: 'hold',
      code: 'pool-unexpected',
    })),
    { of: '404 not-found', answer: problem('not-found'), kind: 'hold', code: 'pool-unexpected' },
    { of: '400 request-malformed', answer: problem('request-malformed'), kind: 'hold', code: 'pool-unexpected' },
    {
      of: 'a problem of a newer version',
      answer: answer(422, { type: 'urn:sluice:problem:new' }, { contentType: 'application/problem+json' }),
      kind: 'hold',
      code: 'pool-unexpected',
    },
    {
      of: 'a problem of someone else',
      answer: answer(413, { type: 'about:blank' }, { contentType: 'application/problem+json' }),
      kind: 'hold',
      code: 'pool-unexpected',
    },
    {
      of: 'a problem that is not JSON',
      answer: answer(422, '{', { contentType: 'application/problem+json' }),
      kind: 'hold',
      code: 'pool-unexpected',
    },
    { of: 'no status at all', answer: answer(0), kind: 'hold', code: 'pool-unexpected' },
  ])('$of: $kind', ({ answer, kind, ...row }) => {
    const verdict = verdictOf(answer, batch, poolKey.id, NOW)
    expect(verdict.kind).toBe(kind)
    if (verdict.kind === 'accepted') expect(verdict.receipt).toEqual({ kind: 'signed', ...receipt })
    else
      expect(verdict.fault).toMatchObject({
        code: 'code' in row ? row.code : '',
        where: { pool: batch.pool, batch: batch.id },
      })
  })

  it.each([
    { retryAfter: '120', ms: 120_000 },
    { retryAfter: 'Tue, 24 Nov 2026 04:01:30 GMT', ms: 90_000 },
    { retryAfter: 'Tue, 24 Nov 2026 03:00:00 GMT', ms: 0 },
    { retryAfter: 'soon', ms: 0 },
    { retryAfter: undefined, ms: 0 },
    { retryAfter: '99999999999', ms: 86_400_000 },
  ])('waits at least $ms ms for Retry-After: $retryAfter', ({ retryAfter, ms }) => {
    expect(verdictOf(answer(503, '', { retryAfter }), batch, poolKey.id, NOW)).toMatchObject({
      kind: 'retry',
      after_ms: ms,
    })
  })
})

describe('a streak of rejections', () => {
  it('holds from the tenth of one kind on, and not before', () => {
    const streak = makeRejectionStreak()
    expect(Array.from({ length: 11 }, () => streak.rejected('range'))).toEqual([
      ...Array(9).fill('quarantine'),
      'hold',
      'hold',
    ])
    expect(streak.rejected('unit')).toBe('quarantine')
  })

  it('ends when a batch is accepted', () => {
    const streak = makeRejectionStreak([], 2)
    streak.rejected('range')
    streak.accepted()
    expect(streak.rejected('range')).toBe('quarantine')
    expect(streak.rejected('range')).toBe('hold')
  })
})
