import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Pool, SealedBatch, Tombstone, Verdict } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import { type ConnectionOptions, openConnections, reasonOf } from './connections.ts'
import { makePace } from './pace.ts'
import { formatBatchSignature, formatContentDigest } from './signature.ts'
import { type Answer, verdictOf } from './verdict.ts'
import { withdrawalOutcome } from './withdrawal.ts'

/** No pool answers with more than a receipt or a problem. */
const MAX_ANSWER = 65_536

const PARQUET = { type: 'application/vnd.apache.parquet' }
const TOMBSTONE = { tail: '/tombstone', type: 'application/json' }

/** How to reach a pool over HTTP. */
export interface HttpPoolOptions extends Omit<ConnectionOptions, 'pool' | 'secure'> {
  /** id of the pool */
  readonly name: string
  /** address, with or without a path before `/v1` */
  readonly url: string
  /** pinned, `ed25519:…` */
  readonly receipt_key: string
  /** ms from the first attempt to connect until the whole answer is here, without what `max_rate` adds */
  readonly timeout: number
  /** bytes a second */
  readonly max_rate?: number | undefined
}

/**
 * A pool over HTTP (POOL.md, HTTP). Sends nothing that tells the gateway apart from any other of its plant; follows no
 * redirect.
 * @throws Fault `pool-tls` where a certificate or key of `tls` cannot be used, `pool-proxy` where a proxy cannot
 */
export function openHttpPool(options: HttpPoolOptions): Pool {
  const { name, receipt_key, timeout } = options
  const secure = options.url.startsWith('https:')
  const connections = openConnections({ ...options, pool: name, secure })
  const pace = makePace(options.max_rate)
  const base = `${options.url.replace(/\/+$/, '')}/v1/pools/${encodeURIComponent(name)}`

  function put(
    what: SealedBatch | Tombstone,
    { tail = '', type }: { readonly tail?: string; readonly type: string },
    signal: AbortSignal,
    progress: () => void,
  ): Promise<Answer> {
    const headers = {
      'Content-Type': type,
      'Content-Length': what.bytes.length,
      'Content-Digest': formatContentDigest(what.sha256),
      'Batch-Signature': formatBatchSignature(what),
    }
    return ask({ method: 'PUT', path: `/batches/${what.id}${tail}`, headers, body: what.bytes }, signal, progress)
  }

  function ask(
    what: {
      readonly method: 'PUT' | 'DELETE'
      readonly path: string
      readonly headers: Readonly<Record<string, string | number>>
      readonly body: Uint8Array
    },
    signal: AbortSignal,
    progress: () => void = () => undefined,
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const request = (secure ? https : http).request(`${base}${what.path}`, {
      method: what.method,
      agent: connections.agent(),
      signal,
      headers: { 'User-Agent': 'sluice/1', ...what.headers },
    })
    const answered = new AbortController()
    request.on('error', reject)
    // A request that waits for a proxy's tunnel does not hear its signal.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    request.on('response', (response) => {
      answered.abort()
      read(response)
        .then(resolve, reject)
        // What answered before it had everything wants no more of it.
        .finally(() => request.writableEnded || request.destroy())
    })
    send(request, what.body, AbortSignal.any([signal, answered.signal]), progress).catch(reject)
    return promise
  }

  async function send(request: ClientRequest, bytes: Uint8Array, signal: AbortSignal, progress: () => void) {
    if (bytes.length === 0) return request.end()
    for (let at = 0; at < bytes.length && !signal.aborted; at += pace.piece) {
      const piece = bytes.subarray(at, Math.min(at + pace.piece, bytes.length))
      await pace.turn(piece.length, signal)
      if (signal.aborted) return
      progress()
      if (at + piece.length === bytes.length) request.end(piece)
      // An error of the request is told by the request itself.
      else if (!request.write(piece)) await once(request, 'drain', { signal }).catch(() => undefined)
    }
  }

  return {
    async deliver(batch, signal, progress = () => undefined): Promise<Verdict> {
      const deadline = AbortSignal.timeout(timeout + pace.delay(batch.bytes.length))
      try {
        const answer = await put(batch, PARQUET, AbortSignal.any([signal, deadline]), progress)
        // A date in Retry-After is the world's time, whatever clock the agent runs by.
        return verdictOf(answer, batch, receipt_key, unixMs(Date.now()))
      } catch (cause) {
        if (!signal.aborted && !deadline.aborted && isRefusedByProxy(cause)) {
          const message = `the proxy answered ${cause.statusCode}`
          return { kind: 'hold', fault: new Fault('pool-proxy', { pool: name, batch: batch.id }, message) }
        }
        if (deadline.aborted) connections.renew() // the next one must not queue up behind what hangs
        const why = signal.aborted ? 'stopped' : deadline.aborted ? 'no answer in time' : reasonOf(cause)
        const code = isTlsError(cause) ? 'pool-tls' : 'pool-unreachable'
        return { kind: 'retry', after_ms: 0, fault: new Fault(code, { pool: name, batch: batch.id }, why, { cause }) }
      }
    },
    async bury(tombstone, signal) {
      const fault = (message: string, cause?: unknown): Fault =>
        new Fault('pool-unavailable', { pool: name, batch: tombstone.id }, message, { cause })
      try {
        const within = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
        const { status } = await put(tombstone, TOMBSTONE, within, () => undefined)
        return status === 204 ? null : fault(`the pool answered ${status} to a tombstone`)
      } catch (cause) {
        return fault(`a tombstone could not be sent: ${reasonOf(cause)}`, cause)
      }
    },
    async withdraw(withdrawal, signal) {
      const headers = { 'Batch-Signature': formatBatchSignature(withdrawal) }
      const path = `/streams/${withdrawal.stream}`
      try {
        const within = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
        const answer = await ask({ method: 'DELETE', path, headers, body: new Uint8Array() }, within)
        return withdrawalOutcome(answer, withdrawal, receipt_key)
      } catch (cause) {
        const message = `the pool could not be asked to withdraw: ${reasonOf(cause)}`
        return { kind: 'failed', fault: new Fault('pool-unreachable', { pool: name }, message, { cause }) }
      }
    },
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]()
    },
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER) break // leaving the loop closes the connection; what is cut is no receipt and no problem
    chunks.push(chunk)
  }
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'],
    retryAfter: response.headers['retry-after'],
    body: size > MAX_ANSWER ? '' : Buffer.concat(chunks).toString('utf8'),
  }
}

/** A proxy that answers CONNECT with 4xx will not have it; with 5xx it could not reach the pool just now. */
function isRefusedByProxy(cause: unknown): cause is { readonly statusCode: number } {
  const { statusCode } = cause as { readonly statusCode?: unknown }
  return (
    reasonOf(cause) === 'ERR_PROXY_TUNNEL' && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  )
}

function isTlsError(cause: unknown): boolean {
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_OSSL|EPROTO)/.test(reasonOf(cause))
}
