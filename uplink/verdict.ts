import type { SealedBatch, Verdict } from '../core/batch.ts'
import type { UnixMs } from '../core/brand.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { PROBLEMS, type ProblemName, problemName } from './problem.ts'
import { receiptSchema, verifyReceipt } from './signature.ts'

/** An HTTP answer, whole. */
export interface Answer {
  readonly status: number
  /** `Content-Type` and `Retry-After` as sent */
  readonly contentType: string | undefined
  readonly retryAfter: string | undefined
  readonly body: string
}

/**
 * What an answer means for a batch (POOL.md, HTTP): whatever is not clearly a verdict of the pool holds or retries, and
 * throws nothing away. Pure.
 * @param now what a date in `Retry-After` is measured against
 */
export function verdictOf(answer: Answer, batch: SealedBatch, receiptKey: string, now: UnixMs): Verdict {
  const { status } = answer
  const problem = problemOf(answer)
  const fault = (code: FaultCode, message: string): Fault =>
    new Fault(code, { pool: batch.pool, batch: batch.id }, message)
  const retry = (code: FaultCode, message: string): Verdict => {
    const after_ms = retryAfterMs(answer.retryAfter, now)
    return { kind: 'retry', after_ms, fault: fault(code, message) }
  }

  if (status === 201 || status === 200) return acceptance(answer, batch, receiptKey, retry)
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return retry('pool-unavailable', `the pool answered ${status}`)
  if (problem && PROBLEMS[problem].permanent)
    return {
      kind: 'rejected',
      fault: fault(
        problem === 'digest-mismatch' ? 'pool-mismatch' : 'pool-rejected',
        `${problem}: ${PROBLEMS[problem].title}`,
      ),
    }
  if (status === 410 && problem === 'pool-closed')
    return { kind: 'closed', fault: fault('pool-closed', 'the pool takes no more batches') }
  if (status === 410 && problem === 'withdrawn')
    return { kind: 'closed', fault: fault('pool-withdrawn', 'this stream was withdrawn at the pool') }
  if (status === 400 && problem === 'body-corrupt')
    return retry('pool-unavailable', 'the batch arrived damaged at the pool')
  if (status === 401 || status === 403)
    return { kind: 'hold', fault: fault('pool-identity', `the pool, or something before it, answered ${status}`) }
  if (status === 407) return { kind: 'hold', fault: fault('pool-proxy', 'the proxy answered 407') }
  const what = problem ? `${status} (${problem})` : `${status}, which is no answer of the pool contract`
  return { kind: 'hold', fault: fault('pool-unexpected', `the answer was ${what}`) }
}

function acceptance(
  answer: Answer,
  batch: SealedBatch,
  receiptKey: string,
  retry: (code: FaultCode, message: string) => Verdict,
): Verdict {
  const parsed = receiptSchema.safeParse(parseJson(answer.body))
  if (!parsed.success) return retry('pool-receipt', `the pool answered ${answer.status} without a receipt`)
  const receipt = parsed.data
  if (receipt.pool !== batch.pool || receipt.batch_id !== batch.id || receipt.sha256 !== batch.sha256)
    return retry('pool-receipt', 'the receipt is for another batch')
  if (!verifyReceipt(receipt, receiptKey)) return retry('pool-receipt', 'the receipt is not signed by the pinned key')
  return { kind: 'accepted', receipt: { kind: 'signed', ...receipt } }
}

function problemOf({ status, contentType, body }: Answer): ProblemName | undefined {
  if (status < 400 || !/^application\/problem\+json\s*(;|$)/i.test(contentType ?? '')) return undefined
  const json = parseJson(body)
  return typeof json === 'object' && json !== null && 'type' in json ? problemName(json.type) : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `Retry-After` in ms: seconds or an HTTP date (RFC 9110 §10.2.3); 0 where absent or unreadable; at most a day. */
function retryAfterMs(field: string | undefined, now: UnixMs): number {
  const text = field?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), 86_400_000)
}

/**
 * Ten rejections in a row of one kind say that something general is wrong, not ten batches. `rejected` answers `hold`
 * from the tenth on, until a batch is accepted or another kind of rejection comes.
 * @param past kinds of the rejections before this run that nothing accepted came after, oldest first
 */
export function makeRejectionStreak(
  past: readonly string[] = [],
  limit = 10,
): {
  /** @param kind what tells kinds apart, e.g. the fault's message */
  rejected(kind: string): 'quarantine' | 'hold'
  accepted(): void
} {
  let last = past.at(-1) ?? ''
  let n = past.length - 1 - past.findLastIndex((kind) => kind !== last)
  return {
    rejected(kind) {
      n = kind === last ? n + 1 : 1
      last = kind
      return n >= limit ? 'hold' : 'quarantine'
    },
    accepted() {
      n = 0
    },
  }
}
