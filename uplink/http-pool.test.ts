import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../core/batch.ts'
import { newKey, POOL, sealed } from '../test/support/sealing.ts'
import { openHttpPool } from './http-pool.ts'
import { formatContentDigest } from './signature.ts'

const never = new AbortController().signal
const batch = sealed()
const receipt_key = newKey().id

describe('a pool over HTTP', () => {
  it('sends what POOL.md names, and nothing that tells gateways apart', async () => {
    let seen: { url: string | undefined; method: string | undefined; headers: IncomingHttpHeaders } | undefined
    await deliverTo((request, response) => {
      seen = { url: request.url, method: request.method, headers: request.headers }
      request.resume().on('end', () => response.end())
    })
    expect(seen).toEqual({
      method: 'PUT',
      url: `/v1/pools/${POOL}/batches/${batch.id}`,
      headers: {
        host: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        connection: 'keep-alive',
        'user-agent': 'sluice/1',
        'content-type': 'application/vnd.apache.parquet',
        'content-length': '16384',
        'content-digest': formatContentDigest(batch.sha256),
        'batch-signature': `keyid="${batch.key}", ed25519=:${batch.signature}:`,
      },
    })
  })

  it('follows no redirect', async () => {
    const verdict = await deliverTo((request, response) => {
      request.resume()
      response.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end()
    })
    expect(verdict).toMatchObject({ kind: 'hold', fault: { code: 'pool-unexpected' } })
  })

  it('reads no more of an answer than a receipt can have', async () => {
    const verdict = await deliverTo((request, response) => {
      request.resume()
      response.writeHead(201, { 'Content-Type': 'application/json' })
      const pour = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', pour)
      }
      pour()
    })
    expect(verdict).toMatchObject({ kind: 'retry', fault: { code: 'pool-receipt' } })
  })

  it.each([
    { name: 'accepts and says nothing', act: (_: Socket) => undefined },
    {
      name: 'begins an answer and stops',
      act: (s: Socket) => s.write('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{'),
    },
  ])('gives up on a server that $name', async ({ act }) => {
    const verdict = await deliverToTcp(act, 300)
    expect(verdict).toMatchObject({ kind: 'retry', fault: { code: 'pool-unreachable', message: 'no answer in time' } })
  })

  it.each([
    { name: 'closes at once', act: (s: Socket) => s.destroy() },
    { name: 'does not speak HTTP', act: (s: Socket) => s.end('SSH-2.0-OpenSSH\r\n') },
    { name: 'ends its answer early', act: (s: Socket) => s.end('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{') },
  ])('says retry of a server that $name', async ({ act }) => {
    expect(await deliverToTcp(act)).toMatchObject({ kind: 'retry', fault: { code: 'pool-unreachable' } })
  })

  it('says that the TLS connection is what failed', async () => {
    const verdict = await deliverToTcp((s) => s.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 10_000, 'https')
    expect(verdict).toMatchObject({ kind: 'retry', fault: { code: 'pool-tls' } })
  })

  it('refuses certificates it cannot use before anything is sent', () => {
    const tls = { ca: 'not a certificate', cert: 'x', key: 'y' }
    expect(() => openHttpPool({ name: POOL, url: 'https://127.0.0.1:1', receipt_key, timeout: 1_000, tls })).toThrow(
      expect.objectContaining({ code: 'pool-tls' }),
    )
  })

  it('ends with retry when it is stopped half way', async () => {
    const stop = new AbortController()
    const verdict = await deliverTo(() => stop.abort(), stop.signal)
    expect(verdict).toMatchObject({ kind: 'retry', fault: { message: 'stopped' } })
  })
})

async function deliverTo(listener: RequestListener, signal: AbortSignal = never): Promise<Verdict> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using pool = openPool(server.address() as AddressInfo)
  const verdict = await pool.deliver(batch, signal)
  server.closeAllConnections()
  server.close()
  return verdict
}

async function deliverToTcp(act: (socket: Socket) => unknown, timeout = 10_000, scheme = 'http'): Promise<Verdict> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => sockets.delete(socket))
    socket.once('data', () => act(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using pool = openPool(server.address() as AddressInfo, timeout, scheme)
  const verdict = await pool.deliver(batch, never)
  for (const socket of sockets) socket.destroy()
  server.close()
  return verdict
}

function openPool({ port }: AddressInfo, timeout = 10_000, scheme = 'http'): ReturnType<typeof openHttpPool> {
  return openHttpPool({ name: POOL, url: `${scheme}://127.0.0.1:${port}/`, receipt_key, timeout })
}
