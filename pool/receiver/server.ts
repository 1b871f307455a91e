import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Log } from '../../core/log.ts'
import { formatContentDigest } from '../../uplink/signature.ts'
import type { PoolSetup, ReceiverSetup } from './config.ts'
import { openParts } from './parts.ts'
import { bury, giveReceipt, type ReceiverParts, receiveBatch } from './receive.ts'
import { jsonReply, problemReply, type Reply } from './reply.ts'
import { type PoolReport, reportOf } from './report.ts'
import { giveWithdrawal, withdrawBatch, withdrawStream } from './withdraw.ts'

/** A body that is too large is still read up to here, so that the answer reaches whoever sends it. */
const MAX_DRAIN = 16_777_216
const MAX_TOMBSTONE = 4_096
/**
 * ms in which a whole request must have come (plants behind slow links hold back with `max_rate`); and that open requests
 * have left at a stop.
 */
const REQUEST_TIMEOUT = 900_000
const STOP_GRACE = 2_000

/** A listening receiver. Disposing of it answers what is open and stops. */
export interface Receiver extends AsyncDisposable {
  /** e.g. `http://127.0.0.1:8080` */
  readonly url: string
  report(): readonly PoolReport[]
}

/** @throws Fault `store-locked`; Error where it cannot listen */
export async function openReceiver(setup: ReceiverSetup, log: Log): Promise<Receiver> {
  const parts = openParts(setup, log)
  const { tls } = setup
  const answer = (request: IncomingMessage, response: ServerResponse): void => void respond(request, response)
  const server = tls
    ? https.createServer(
        { cert: tls.cert, key: tls.key, ...(tls.client_ca && { ca: tls.client_ca, requestCert: true }) },
        answer,
      )
    : http.createServer(answer)
  server.requestTimeout = REQUEST_TIMEOUT
  server.listen(setup.port, setup.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    parts[Symbol.dispose]()
    throw error
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      write(response, await route(request, setup.pools, parts))
    } catch (err) {
      if (request.destroyed && !request.complete) return // the sender is gone
      log.error({ err, method: request.method, url: request.url }, 'the request failed')
      write(response, problemReply('unavailable', 'the pool cannot store just now', { 'Retry-After': '30' }))
    }
  }

  const { address, port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`,
    report: () => [...setup.pools.keys()].map((pool) => reportOf(pool, parts.index)),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), STOP_GRACE)
      await closed
      clearTimeout(cut)
      parts[Symbol.dispose]()
    },
  }
}

function write(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, {
    ...(reply.contentType && { 'Content-Type': reply.contentType }),
    ...reply.headers,
  })
  response.end(reply.body)
}

async function route(
  request: IncomingMessage,
  pools: ReadonlyMap<string, PoolSetup>,
  parts: ReceiverParts,
): Promise<Reply> {
  const { method = 'GET', headers } = request
  const path = pathOf(request.url ?? '/')
  if (path?.join('/') === 'healthz') return allow(method, { GET: () => jsonReply(200, { status: 'ok' }) })
  const [v1, word, poolId = '', what, id = '', tail, ...more] = path ?? []
  const pool = pools.get(poolId)
  if (v1 !== 'v1' || word !== 'pools' || !pool || more.length > 0)
    return problemReply('not-found', 'there is no such address or pool')
  if (what === 'contract' && id === '') return allow(method, { GET: () => giveContract(pool) })
  if (what === 'report' && id === '')
    return allow(method, { GET: () => jsonReply(200, reportOf(pool.id, parts.index)) })
  if (what === 'streams' && /^[0-9A-V]{13}$/.test(id) && tail === undefined)
    return allow(method, {
      GET: () => giveWithdrawal({ pool, id }, parts),
      DELETE: () => withdrawStream({ pool, id, headers }, parts),
    })
  if (what !== 'batches' || !/^[0-9A-V]{26}$/.test(id)) return problemReply('not-found', 'there is no such address')
  if (tail === undefined)
    return allow(method, {
      GET: () => giveReceipt({ pool, id }, parts),
      PUT: async () => {
        const limit = Math.max(...Object.values(pool.contract.datasets).map((dataset) => dataset.size_class))
        const body = await readBody(request, limit)
        if (!body) return problemReply('too-large', `no size class has more than ${limit} bytes`)
        return receiveBatch({ pool, id, headers, body }, parts)
      },
      DELETE: () => withdrawBatch({ pool, id, headers }, parts),
    })
  if (tail !== 'tombstone') return problemReply('not-found', 'there is no such address')
  return allow(method, {
    PUT: async () => {
      const body = await readBody(request, MAX_TOMBSTONE)
      if (!body) return problemReply('request-malformed', 'the body is too large for a tombstone')
      return bury({ pool, id, headers, body }, parts)
    },
  })
}

/** Segments of the path, decoded; undefined where it cannot be decoded. */
function pathOf(url: string): readonly string[] | undefined {
  try {
    return url.split('?', 1)[0]!.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function allow(
  method: string,
  methods: Readonly<Record<string, () => Reply | Promise<Reply>>>,
): Reply | Promise<Reply> {
  const act = methods[method]
  const names = Object.keys(methods).join(', ')
  return act ? act() : problemReply('method', `only ${names}`, { Allow: names })
}

/** The file as published: its hash is what policies pin. */
function giveContract(pool: PoolSetup): Reply {
  const headers = { 'Content-Digest': formatContentDigest(pool.contract_sha256) }
  return { status: 200, contentType: 'application/yaml', body: pool.contract_bytes, headers }
}

/** The whole body; undefined where it is larger than `limit` bytes. @throws Error where the sender goes away */
async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_DRAIN) break
    if (size <= limit) chunks.push(chunk)
  }
  return size > limit ? undefined : Buffer.concat(chunks)
}
