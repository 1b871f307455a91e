import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { withCrc } from '../../adapters/modbus/crc.ts'

/** A read as it came in. */
export interface RtuRequest {
  readonly unit_id: number
  readonly function_code: number
  readonly address: number
  readonly quantity: number
  /** as it was on the wire */
  readonly frame: Buffer
}

export interface RtuServer extends AsyncDisposable {
  readonly port: number
  /** all that came in */
  readonly log: readonly RtuRequest[]
  /** bytes for every connection */
  say(bytes: Uint8Array): void
}

/**
 * A device server with RTU devices behind it. Every register of every unit holds its own address; what becomes of the
 * right answer is up to `respond` (default: it is sent).
 */
export async function openRtuServer(
  respond: (answer: Buffer, send: (bytes: Uint8Array) => void, request: RtuRequest) => void = (answer, send) =>
    send(answer),
): Promise<RtuServer> {
  const sockets = new Set<Socket>()
  const log: RtuRequest[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', (frame) => {
      // The loopback interface keeps a request of eight bytes together.
      const request: RtuRequest = {
        unit_id: frame[0]!,
        function_code: frame[1]!,
        address: frame.readUInt16BE(2),
        quantity: frame.readUInt16BE(4),
        frame,
      }
      log.push(request)
      respond(rtuAnswer(request), (bytes) => void socket.write(bytes), request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    log,
    say(bytes) {
      for (const socket of sockets) socket.write(bytes)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function rtuAnswer({ unit_id, function_code, address, quantity }: RtuRequest): Buffer {
  const body = Buffer.alloc(3 + quantity * 2)
  body.set([unit_id, function_code, quantity * 2])
  for (let i = 0; i < quantity; i++) body.writeUInt16BE((address + i) & 0xffff, 3 + i * 2)
  return withCrc(body)
}
