import { connect, type Socket } from 'node:net'
import { Fault, type FaultCode, type FaultWhere } from '../../core/fault.ts'
import { isBitTable } from './address.ts'
import { makeFrameFilter, type OpenTransaction } from './frame-filter.ts'
import { linkLibrary, type ReadRequest } from './library.ts'
import { makePace } from './pace.ts'

/** What came of a request; anything else is a dead link and throws. */
export type ReadResult =
  /** registers big endian, or bits from the least significant of each byte */
  | { readonly kind: 'data'; readonly data: Buffer }
  /** Modbus exception (Modbus Application Protocol V1.1b3 §7) */
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'timeout' }

export interface ModbusClient extends AsyncDisposable {
  /**
   * Waits its turn, then always settles: with an answer, at the latest `timeout` after it was sent.
   * Rejects with the reason of `signal` when that aborts. @throws Fault where the link is gone.
   */
  read(request: ReadRequest, signal: AbortSignal): Promise<ReadResult>
  /** Aborts when the link is gone; its reason is the Fault. */
  readonly lost: AbortSignal
  counters(): Readonly<Record<'requests' | 'registers' | 'bits' | 'timeouts' | 'exceptions' | 'dropped_frames', number>>
}

export interface ClientOptions {
  readonly host: string
  readonly port: number
  /** longest wait for the connection and for each answer; real ms, an accelerated clock makes no device faster */
  readonly timeout: number
  readonly min_gap: number
  readonly max_in_flight: number
  readonly max_requests_per_s?: number | undefined
}

/**
 * Timeouts in a row, without a valid answer from any unit, after which the link itself counts as dead. Requests that
 * were open at the same time count once.
 */
const DEAF = 3

/**
 * Connects to a Modbus/TCP server. The socket is ours; the library sees a stand-in behind the frame filter, so it can
 * neither send a write nor take a foreign answer, and nothing hangs on its promises.
 * @throws Fault source-unreachable | source-refused
 */
export async function openModbusClient(options: ClientOptions, where: FaultWhere): Promise<ModbusClient> {
  const at = { ...where, at: `${options.host}:${options.port}` }
  const socket = await openSocket(options, at)
  const filter = makeFrameFilter(Math.floor(Math.random() * 65_536))
  const pace = makePace(options)
  const link = new AbortController()
  const pending = new Set<(fault: Fault) => void>()
  // The library writes in the order it is asked, but a moment later.
  const unsent: ((transaction: OpenTransaction) => void)[] = []
  let [requests, registers, bits, timeouts, exceptions] = [0, 0, 0, 0, 0]
  let [silent, silentSince] = [0, 0]

  function fail(code: FaultCode, message: string, cause?: unknown): void {
    if (link.signal.aborted) return
    const fault = new Fault(code, at, message, { cause })
    link.abort(fault)
    socket.destroy()
    for (const reject of pending) reject(fault)
  }

  const library = await linkLibrary((frame) => {
    try {
      const transaction = filter.outgoing(frame)
      unsent.shift()?.(transaction)
      socket.write(transaction.frame)
    } catch (error) {
      fail('source-protocol', 'stopped a request that is not a read', error)
    }
  })
  socket.on('data', (chunk) => {
    try {
      for (const frame of filter.incoming(chunk)) library.deliver(frame)
    } catch (error) {
      fail('source-protocol', 'what came back is not Modbus/TCP', error)
    }
  })
  socket.on('error', (error) => fail('source-closed', `connection lost: ${error.message}`, error))
  socket.on('close', () => fail('source-closed', 'the device closed the connection'))

  function exchange(request: ReadRequest, signal: AbortSignal): Promise<ReadResult> {
    link.signal.throwIfAborted()
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<ReadResult>()
    const began = performance.now()
    let transaction: OpenTransaction | undefined
    const deadline = setTimeout(() => {
      timeouts++
      resolve({ kind: 'timeout' })
      if (began < silentSince) return
      silentSince = performance.now()
      if (++silent >= DEAF) fail('source-timeout', `no answer to ${silent} requests in a row`)
    }, options.timeout)
    const give = (): void => reject(signal.reason)
    signal.addEventListener('abort', give, { once: true })
    pending.add(reject)
    unsent.push((opened) => {
      transaction = opened
    })
    requests++
    if (isBitTable(request.table)) bits += request.quantity
    else registers += request.quantity
    library.request(request, (error, answer) => {
      silent = 0
      if (answer) resolve({ kind: 'data', data: answer.buffer })
      else if (error?.modbusCode !== undefined) {
        exceptions++
        resolve({ kind: 'exception', code: error.modbusCode })
      } else reject(new Fault('source-protocol', at, error?.message ?? 'no data', { cause: error }))
    })
    return promise.finally(() => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', give)
      pending.delete(reject)
      if (transaction) filter.close(transaction)
    })
  }

  return {
    async read(request, signal) {
      const over = await pace.turn(signal)
      try {
        return await exchange(request, signal)
      } finally {
        over()
      }
    },
    lost: link.signal,
    counters: () => ({ requests, registers, bits, timeouts, exceptions, dropped_frames: filter.dropped }),
    async [Symbol.asyncDispose]() {
      fail('source-closed', 'closed')
    },
  }
}

async function openSocket({ host, port, timeout }: ClientOptions, where: FaultWhere): Promise<Socket> {
  // keepAlive: a device that vanished while nothing was asked of it is noticed too.
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const deadline = setTimeout(
    () => reject(new Fault('source-unreachable', where, `no connection within ${timeout} ms`)),
    timeout,
  )
  socket.once('connect', resolve)
  const refuse = (error: NodeJS.ErrnoException): void => {
    const code = error.code === 'ECONNREFUSED' ? 'source-refused' : 'source-unreachable'
    reject(new Fault(code, where, `cannot connect: ${error.code ?? error.message}`, { cause: error }))
  }
  socket.on('error', refuse)
  try {
    await promise
    socket.off('error', refuse)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
}
