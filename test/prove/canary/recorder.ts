import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Identity } from '../../support/faulty-proxy.ts'

/** A port that hands everything on to another one. */
export interface Forwarder extends AsyncDisposable {
  readonly port: number
}

/**
 * @param input.target port on the loopback interface
 * @param input.host loopback address to listen at
 * @param input.identity ends the TLS of whoever connects; absent: bytes are handed on as they come
 * @param input.heard called with what comes from there
 */
export async function openForwarder(input: {
  readonly target: number
  readonly host?: string
  readonly identity?: Identity
  readonly heard?: (chunk: Buffer) => void
}): Promise<Forwarder> {
  const { target, host = '127.0.0.1', identity, heard } = input
  const sockets = new Set<Socket>()
  function keep<S extends Socket>(socket: S): S {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server: Server = createServer((raw) => {
    keep(raw)
    const near = identity ? keep(new TLSSocket(raw, { isServer: true, ...identity })) : raw
    const far = keep(connect(target, '127.0.0.1'))
    if (heard) near.on('data', heard)
    near.pipe(far)
    far.pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.end())
  }).listen(0, host)
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

/** An https port before a pool's http port that keeps every byte that comes in, before and after it is decrypted. */
export interface Recorder extends Forwarder {
  /** what the network sees: the handshake with its names, and ciphertext */
  wire(): Buffer
  /** what the pool gets: request lines, headers, bodies */
  requests(): Buffer
}

export async function openRecorder(target: number, identity: Identity): Promise<Recorder> {
  const wire: Buffer[] = []
  const requests: Buffer[] = []
  // Two of them, since what a TLS socket has read from its own cannot be seen any more.
  const inner = await openForwarder({ target, identity, heard: (chunk) => requests.push(chunk) })
  const outer = await openForwarder({ target: inner.port, heard: (chunk) => wire.push(chunk) })
  return {
    port: outer.port,
    wire: () => Buffer.concat(wire),
    requests: () => Buffer.concat(requests),
    async [Symbol.asyncDispose]() {
      await outer[Symbol.asyncDispose]()
      await inner[Symbol.asyncDispose]()
    },
  }
}
