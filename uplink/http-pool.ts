import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Pool, SealedBatch, Verdict } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import type { PoolConfig } from './schema.ts'
import { formatBatchSignature, formatContentDigest } from './signature.ts'
import { type Answer, verdictOf } from './verdict.ts'

/** No pool answers with more than a receipt or a problem. */
const MAX_ANSWER = 65_536
/** Routers forget idle connections without a word, so none is used again after this long. */
const MAX_IDLE = 10_000

/** How to reach a pool over HTTP. */
export interface HttpPoolOptions {
  /** id of the pool */
  readonly name: string
  /** address, with or without a path before `/v1` */
  readonly url: string
  /** pinned, `ed25519:…` */
  readonly receipt_key: string
  /** ms from the first attempt to connect until the whole answer is here */
  readonly timeout: number
  /** PEM texts */
  readonly tls?: PoolConfig['tls']
}

/**
 * A pool over HTTP (POOL.md, HTTP). Sends nothing that tells the gateway apart from any other of its plant; follows no
 * redirect.
 * @throws Fault `pool-tls` where a certificate or key of `tls` cannot be used
 */
export function openHttpPool(options: HttpPoolOptions): Pool {
  const { name, receipt_key } = options
  const { ca, cert, key } = options.tls ?? {}
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  const secure = options.url.startsWith('https:')
  if (secure) checkTls(name, tls)
  const pooling = { keepAlive: true, maxSockets: 1, timeout: MAX_IDLE }
  const agent = secure ? new https.Agent({ ...pooling, ...tls }) : new http.Agent(pooling)
  const base = `${options.url.replace(/\/+$/, '')}/v1/pools/${encodeURIComponent(name)}`

  function put(batch: SealedBatch, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const request = (secure ? https : http).request(`${base}/batches/${batch.id}`, {
      method: 'PUT',
      agent,
      signal,
      headers: {
        'User-Agent': 'sluice/1',
        'Content-Type': 'application/vnd.apache.parquet',
        'Content-Length': batch.bytes.length,
        'Content-Digest': formatContentDigest(batch.sha256),
        'Batch-Signature': formatBatchSignature(batch),
      },
    })
    request.on('error', reject)
    request.on('response', (response) => read(response).then(resolve, reject))
    request.end(batch.bytes)
    return promise
  }

  return {
    async deliver(batch, signal): Promise<Verdict> {
      const deadline = AbortSignal.timeout(options.timeout)
      try {
        const answer = await put(batch, AbortSignal.any([signal, deadline]))
        // A date in Retry-After is the world's time, whatever clock the agent runs by.
        return verdictOf(answer, batch, receipt_key, unixMs(Date.now()))
      } catch (cause) {
        const why = signal.aborted ? 'stopped' : deadline.aborted ? 'no answer in time' : reasonOf(cause)
        const code = isTlsError(cause) ? 'pool-tls' : 'pool-unreachable'
        return { kind: 'retry', after_ms: 0, fault: new Fault(code, { pool: name, batch: batch.id }, why, { cause }) }
      }
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
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

function checkTls(pool: string, tls: SecureContextOptions): void {
  try {
    createSecureContext(tls)
  } catch (cause) {
    throw new Fault('pool-tls', { pool }, `a certificate or key of tls cannot be used: ${reasonOf(cause)}`, { cause })
  }
}

/** System and OpenSSL error codes; never the text, which may quote what was sent. */
function reasonOf(cause: unknown): string {
  const { code } = cause as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'the connection failed'
}

function isTlsError(cause: unknown): boolean {
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_OSSL|EPROTO)/.test(reasonOf(cause))
}
