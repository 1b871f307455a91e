import { createServer, type Socket } from 'node:net'
import { Aedes } from 'aedes'

/** A broker inside this process, for the demo and tests: MQTT 3.1.1, sessions in memory, no authentication. */
export interface Broker extends AsyncDisposable {
  /** `mqtt://host:port` */
  readonly url: string
  readonly port: number
  publish(
    topic: string,
    payload: string | Uint8Array,
    options?: { readonly qos?: 0 | 1; readonly retain?: boolean },
  ): Promise<void>
}

/**
 * Listens on `host` (default loopback) and `port` (default: a free one).
 * @param options.acknowledged told of every message of QoS 1 for which a client's PUBACK came
 * @throws the socket's error where the port is taken
 */
export async function openBroker(
  options: {
    readonly host?: string
    readonly port?: number
    readonly acknowledged?: (topic: string, payload: Buffer) => void
  } = {},
): Promise<Broker> {
  const host = options.host ?? '127.0.0.1'
  const aedes = await Aedes.createBroker()
  aedes.on('ack', (packet) => {
    if (packet?.cmd === 'publish') options.acknowledged?.(packet.topic, Buffer.from(packet.payload))
  })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  const { port } = address

  return {
    url: `mqtt://${host}:${port}`,
    port,
    publish: (topic, payload, { qos = 0, retain = false } = {}) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: 'publish', dup: false, topic, payload: Buffer.from(payload), qos, retain }, (error) =>
          error ? reject(error) : resolve(),
        )
      }),
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
