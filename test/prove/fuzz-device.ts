import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Asked, type FrameMaker, holdsAnswer, randomBytes } from './fuzz-frames.ts'

export interface FuzzDevice extends AsyncDisposable {
  readonly port: number
  /** wrong frames sent so far */
  readonly sent: number
  /** Data of the right answer to the newest request of this key. */
  expected(key: string): Buffer | undefined
}

/** Names a read: `UNIT FUNCTION ADDRESS QUANTITY`. */
export const keyOf = (unit_id: number, code: number, address: number, quantity: number): string =>
  `${unit_id} ${code} ${address} ${quantity}`

/** Earlier answers that come again. */
const EARLIER = 50
/** Wrong frames around one answer at most. */
const MOST = 20

/**
 * A device that answers each read with values never given before, most of the time rightly, among up to 20 wrong frames, in
 * pieces or glued together; sometimes never, late, with an exception, or with what ends a connection.
 */
export async function openFuzzDevice(options: {
  readonly protocol: 'tcp' | 'rtu'
  readonly frames: FrameMaker
  readonly random: () => number
  /** of the client, ms */
  readonly timeout: number
}): Promise<FuzzDevice> {
  const { protocol, frames, random, timeout } = options
  const sockets = new Set<Socket>()
  const expected = new Map<string, Buffer>()
  const header = protocol === 'tcp' ? 6 : 0
  const length = protocol === 'tcp' ? 12 : 8
  let sent = 0

  function askedBy(frame: Buffer): Asked {
    const request = Buffer.from(frame.subarray(header, header + 6))
    const [unit, code, address, quantity] = [request[0]!, request[1]!, request.readUInt16BE(2), request.readUInt16BE(4)]
    const data = randomBytes(random, code <= 2 ? Math.ceil(quantity / 8) : quantity * 2)
    // What was asked long ago is answered or given up.
    if (expected.size > 2_000) expected.delete(expected.keys().next().value!)
    expected.set(keyOf(unit, code, address, quantity), data)
    const right = Buffer.concat([Buffer.of(unit, code, data.length), data])
    return { request, right, transaction_id: protocol === 'tcp' ? frame.readUInt16BE(0) : 0 }
  }

  function wrongOnes(asked: Asked, earlier: readonly Asked[], n: number): Buffer {
    sent += n
    return Buffer.concat(Array.from({ length: n }, () => frames.wrong(asked, earlier)))
  }

  function onConnection(socket: Socket): void {
    const earlier: Asked[] = []
    /** answers kept back, for an RTU unit that answers in order but late */
    let late: { readonly asked: Asked; readonly at: number }[] = []
    let held: Buffer = Buffer.alloc(0)
    const pieces: Buffer[] = []
    const next = (): void => {
      const piece = pieces[0]!
      if (socket.writable && piece.length > 0) socket.write(piece)
      pieces.shift()
      if (pieces.length > 0) setImmediate(next)
    }
    const send = (...more: Buffer[]): void => {
      if (pieces.push(...more) === more.length) next()
    }

    /** What a late unit still owes goes before its next answer, as long as the client allows for it. */
    function overdue(asked: Asked): Buffer {
      const now = performance.now()
      const own = late.filter((l) => l.asked.right[0] === asked.right[0])
      late = late.filter((l) => !own.includes(l))
      return Buffer.concat(own.filter((l) => now - l.at < 2.2 * timeout).map((l) => frames.right(l.asked)))
    }

    function answer(asked: Asked): void {
      const fate = random()
      if (fate < 0.01) {
        send(wrongOnes(asked, earlier, protocol === 'tcp' ? 3 : 0))
        late.push({ asked, at: performance.now() })
        return
      }
      const owed = overdue(asked)
      if (fate < 0.03) {
        const exception = Buffer.of(asked.right[0]!, asked.right[1]! | 0x80, 6)
        return send(Buffer.concat([owed, frames.right({ ...asked, right: exception })]))
      }
      if (fate < 0.05 && protocol === 'tcp') {
        sent++
        return send(Buffer.concat([frames.desync(asked), frames.right(asked), randomBytes(random, 300)]))
      }
      const right = frames.right(asked)
      let before: Buffer
      do before = Buffer.concat([owed, wrongOnes(asked, earlier, Math.floor(random() * MOST))])
      while (
        protocol === 'rtu' &&
        holdsAnswer(
          Buffer.concat([before.subarray(owed.length), right]),
          before.length - owed.length,
          right.subarray(0, -2),
        )
      )
      const after = protocol === 'rtu' && random() < 0.5 ? right : wrongOnes(asked, earlier, Math.floor(random() * 3))
      if (random() < 0.5) send(Buffer.concat([before, right, after]))
      else inPieces(before, Buffer.concat([right, after]))
    }

    /** The last piece begins within the right answer, so that nothing comes after it by itself. */
    function inPieces(before: Buffer, end: Buffer): void {
      const whole = Buffer.concat([before, end])
      const cuts = Array.from({ length: 3 }, () => Math.floor(random() * (before.length + 5))).sort((a, b) => a - b)
      send(...[0, ...cuts].map((from, i) => whole.subarray(from, cuts[i] ?? whole.length)))
    }

    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      for (; held.length >= length; held = held.subarray(length)) {
        const asked = askedBy(held.subarray(0, length))
        answer(asked)
        if (earlier.push(asked) > EARLIER) earlier.shift()
      }
    })
  }

  const server = createServer({ noDelay: true }, onConnection)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get sent() {
      return sent
    },
    expected: (key) => expected.get(key),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
