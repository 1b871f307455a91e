import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'

/** ms from the first byte of an answer to the end of the connection: if one lasted, nothing more would go wrong. */
const ENOUGH = 1_000

/** What a network between agent and pool does to one connection. */
export const NETWORK_FAULTS = [
  'refused', // closed before a byte was read
  'silent', // half open: taken and never answered
  'untrusted', // a certificate that the agent cannot trust
  'not_tls', // something that does not speak TLS
  'request_cut', // reset in the middle of the request
  'answer_lost', // reset after the pool has processed the request
  'answer_cut', // closed in the middle of the answer
  'slow', // late
  'trickle', // byte by byte
  'twice', // the request reaches the pool twice
  'wrong_receipt', // a receipt that the pool did not sign
  'portal', // a page of somebody else
  'bad_gateway', // a proxy that cannot reach the pool
] as const
export type NetworkFault = (typeof NETWORK_FAULTS)[number]

/** A certificate and its key, PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** An https port before a pool's http port, where every connection meets what `choose` says. */
export interface FaultyProxy extends AsyncDisposable {
  readonly port: number
}

const PORTAL =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>'
const BAD_GATEWAY = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

/**
 * @param input.target port of the pool on the loopback interface
 * @param input.identity who it says it is; `stranger` is shown where it is `untrusted`
 * @param input.choose the fault of the next connection; null for none
 */
export async function openFaultyProxy(input: {
  readonly target: number
  readonly identity: Identity
  readonly stranger: Identity
  readonly choose: () => NetworkFault | null
  readonly random: () => number
}): Promise<FaultyProxy> {
  const { target, random } = input
  const sockets = new Set<Socket>()

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  /** Ends both ways when one ends. */
  function tie(near: Socket, far: Socket): void {
    near.on('close', () => far.destroy())
    far.on('close', () => near.end())
  }

  function reset(near: Socket, raw: Socket, far?: Socket): void {
    raw.resetAndDestroy()
    near.destroy()
    far?.destroy()
  }

  function meet(fault: NetworkFault | null, near: Socket, raw: Socket): void {
    const far = (): Socket => {
      const socket = keep(connect(target, '127.0.0.1'))
      tie(near, socket)
      socket.once('data', () => setTimeout(() => near.destroy(), ENOUGH))
      return socket
    }
    switch (fault) {
      case 'portal':
      case 'bad_gateway':
        near.once('data', () => near.end(fault === 'portal' ? PORTAL : BAD_GATEWAY))
        near.resume()
        return
      case 'request_cut': {
        const pool = far()
        let left = 200 + Math.floor(random() * 8_000)
        near.on('data', (chunk: Buffer) => {
          pool.write(chunk.subarray(0, left))
          left -= chunk.length
          if (left <= 0) reset(near, raw, pool)
        })
        return
      }
      case 'answer_lost': {
        const pool = far()
        near.pipe(pool)
        pool.once('data', () => reset(near, raw, pool))
        return
      }
      case 'answer_cut': {
        const pool = far()
        near.pipe(pool)
        pool.once('data', (chunk: Buffer) => {
          near.end(chunk.subarray(0, Math.floor(random() * chunk.length)))
          pool.destroy()
        })
        return
      }
      case 'trickle': {
        const pool = far()
        void trickle(near, pool)
        void trickle(pool, near)
        return
      }
      case 'twice': {
        const [pool, again] = [far(), keep(connect(target, '127.0.0.1'))]
        near.on('data', (chunk) => {
          again.write(chunk)
          pool.write(chunk)
        })
        again.resume()
        pool.pipe(near)
        near.on('close', () => again.end())
        return
      }
      case 'wrong_receipt': {
        const pool = far()
        near.pipe(pool)
        // Same length and alphabet, so that only the signature itself can tell.
        pool.on('data', (chunk: Buffer) =>
          near.write(
            chunk.toString('latin1').replace(/"sig":"(.)/, (_, c) => `"sig":"${c === 'A' ? 'B' : 'A'}`),
            'latin1',
          ),
        )
        return
      }
      default: {
        const pool = far()
        near.pipe(pool)
        pool.pipe(near)
      }
    }
  }

  const server = createServer({ noDelay: true }, (raw) => {
    keep(raw)
    const fault = input.choose()
    if (fault === 'refused') return raw.resetAndDestroy()
    if (fault === 'silent') return raw.pause()
    if (fault === 'not_tls') return void raw.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    const { cert, key } = fault === 'untrusted' ? input.stranger : input.identity
    const begin = (): void => {
      if (raw.destroyed) return
      const near = keep(new TLSSocket(raw, { isServer: true, cert, key }))
      meet(fault, near, raw)
    }
    if (fault === 'slow') setTimeout(begin, 500 + random() * 1_000)
    else begin()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Hands on one byte at a time. */
async function trickle(from: Socket, to: Socket): Promise<void> {
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (const byte of chunk) {
        if (to.destroyed) return
        to.write(Uint8Array.of(byte))
        await delay(0)
      }
    }
    to.end()
  } catch {
    to.destroy() // the other side is gone, and so is this one
  }
}
