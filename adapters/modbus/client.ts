import { setTimeout as delay } from 'node:timers/promises'
import { Fault, type FaultCode, type FaultWhere } from '../../core/fault.ts'
import { isBitTable } from './address.ts'
import { type OpenTransaction, shapeOf, strangerText } from './frame.ts'
import { linkLibrary, type ReadRequest } from './library.ts'
import type { Link, LinkOptions } from './link.ts'
import { makePace } from './pace.ts'
import { makeQuietLine } from './quiet-line.ts'
import { makeWaiters } from './waiters.ts'
import { framingOf, openLink } from './wire.ts'

/** What came of a request; anything else is a dead link and throws. */
export type ReadResult =
  /** registers big endian, or bits from the least significant of each byte */
  | { readonly kind: 'data'; readonly data: Buffer }
  /** Modbus exception (Modbus Application Protocol V1.1b3 §7) */
  | { readonly kind: 'exception'; readonly code: number }
  /** `answered_by`: the unit id of an answer that was right but for it */
  | { readonly kind: 'timeout'; readonly answered_by?: number | undefined }

export interface ModbusClient extends AsyncDisposable {
  /**
   * Waits its turn, then always settles: with an answer, at the latest `timeout` after it was sent (and, on a serial
   * line, what the frames themselves take). Rejects with the reason of `signal` when that aborts.
   * @param took is told for how many real ms the connection was busy with it, the silence before it included
   * @throws Fault where the link is gone.
   */
  read(request: ReadRequest, signal: AbortSignal, took?: (ms: number) => void): Promise<ReadResult>
  /** Aborts when the link is gone; its reason is the Fault. */
  readonly lost: AbortSignal
  /** unit ids that answer in place of those that were asked, by the latter; their answers are dropped */
  readonly strangers: ReadonlyMap<number, number>
  counters(): Readonly<Record<'requests' | 'registers' | 'bits' | 'timeouts' | 'exceptions' | 'dropped_frames', number>>
}

export interface ClientOptions {
  /** longest wait for the connection and for each answer; real ms, an accelerated clock makes no device faster */
  readonly timeout: number
  readonly min_gap: number
  /** 1 on a serial line */
  readonly max_in_flight: number
  readonly max_requests_per_s?: number | undefined
}

/** Takes what came of an exchange; a Fault where the link is gone. */
type Done = (outcome: ReadResult | Fault) => void

/**
 * Timeouts in a row, without a valid answer from any unit, after which the link itself counts as dead. Requests that
 * were open at the same time count once.
 */
const DEAF = 3
/** Characters of a request and of an answer without data on a serial line. */
const CHARACTERS = 13

/**
 * Opens a link to Modbus devices. It is ours; the library sees a stand-in behind the frame filter, so it can neither
 * send a write nor take a foreign answer, and nothing hangs on its promises.
 * @throws Fault source-unreachable | source-refused | source-tls | source-closed | serial-*
 */
export async function openModbusClient(
  options: ClientOptions,
  to: LinkOptions,
  place: FaultWhere,
): Promise<ModbusClient> {
  const { filter, serial, protocol, at } = framingOf(to, options.timeout)
  const where = { ...place, at }
  const pace = makePace(serial ? { ...options, max_in_flight: 1 } : options)
  const line = serial && makeQuietLine({ ...serial, timeout: options.timeout })
  const ended = new AbortController()
  const pending = new Set<(fault: Fault) => void>()
  const waiters = makeWaiters()
  const strangers = new Map<number, number>()
  // The library writes in the order it is asked, but a moment later.
  const unsent: ((transaction: OpenTransaction) => void)[] = []
  let link: Link | undefined
  let [requests, registers, bits, timeouts, exceptions] = [0, 0, 0, 0, 0]
  let [silent, silentSince] = [0, 0]

  function lost(fault: Fault): void {
    if (ended.signal.aborted) return
    ended.abort(fault)
    link?.close()
    for (const settle of pending) settle(fault)
  }
  function fail(code: FaultCode, message: string, cause?: unknown): void {
    lost(new Fault(code, where, message, { cause }))
  }

  const library = await linkLibrary((frame) => {
    if (ended.signal.aborted) return
    try {
      const transaction = filter.outgoing(frame)
      unsent.shift()?.(transaction)
      line?.touched(performance.now())
      link?.send(transaction.frame)
    } catch (error) {
      fail('source-protocol', 'stopped a request that is not a read', error)
    }
  })
  function received(chunk: Buffer): void {
    line?.touched(performance.now())
    try {
      for (const frame of filter.incoming(chunk)) library.deliver(frame)
    } catch (error) {
      fail('source-protocol', `what came back is not ${protocol}`, error)
    }
  }
  link = await openLink(to, { timeout: options.timeout, where, events: { received, lost } })
  line?.touched(performance.now())

  /** Sends a request; `done` gets what comes of it, once. Nobody's impatience ends it early. */
  function exchange(request: ReadRequest, done: Done): void {
    const began = performance.now()
    const onLine = serial ? (CHARACTERS + shapeOf(request).byte_count) * serial.character : 0
    let transaction: OpenTransaction | undefined
    const settle = (outcome: ReadResult | Fault): void => {
      if (!pending.delete(settle)) return
      clearTimeout(deadline)
      if (transaction) filter.close(transaction)
      done(outcome)
    }
    const silence = (): void => {
      timeouts++
      const { unit_id } = request
      const answered_by = transaction?.answered_by
      if (answered_by !== undefined) strangers.set(unit_id, answered_by)
      line?.unanswered(unit_id, performance.now())
      settle({ kind: 'timeout', answered_by })
      if (request.guess || began < silentSince) return
      silentSince = performance.now()
      if (++silent < DEAF) return
      const why = answered_by === undefined ? '' : `: ${strangerText(unit_id, answered_by)}`
      fail('source-timeout', `no answer to ${silent} requests in a row${why}`)
    }
    const deadline = setTimeout(silence, options.timeout + onLine)
    pending.add(settle)
    unsent.push((opened) => {
      transaction = opened
    })
    requests++
    if (isBitTable(request.table)) bits += request.quantity
    else registers += request.quantity
    library.request(request, (error, answer) => {
      silent = 0
      if (strangers.size > 0) strangers.delete(request.unit_id)
      if (answer) settle({ kind: 'data', data: answer.buffer })
      else if (error?.modbusCode !== undefined) {
        exceptions++
        settle({ kind: 'exception', code: error.modbusCode })
      } else settle(new Fault('source-protocol', where, error?.message ?? 'no data', { cause: error }))
    })
  }

  /** Sends a request after the read that must go before it, if any. */
  function inOrder(request: ReadRequest, done: Done): void {
    const first = filter.before(request)
    if (first?.kind !== 'read') return exchange(request, done)
    exchange({ ...request, quantity: first.quantity }, (proof) => {
      if (proof instanceof Fault || proof.kind === 'timeout') done(proof)
      else
        quiet(ended.signal).then(
          () => exchange(request, done),
          () => done(ended.signal.reason),
        )
    })
  }

  async function quiet(signal: AbortSignal): Promise<void> {
    if (!line) return
    const since = performance.now()
    for (let ms = line.noise(since); ms > 0; ms = line.noise(performance.now())) {
      if (performance.now() - since > options.timeout)
        fail('source-protocol', 'the line is never silent: is there another master on it, or a wrong baud rate?')
      ended.signal.throwIfAborted()
      await sleep(ms, signal)
    }
  }

  /** ms for which the unit must be left alone still before this request; 0 or less when it need not be */
  function rest(request: ReadRequest): number {
    const first = filter.before(request)
    const ms = first?.kind === 'wait' ? first.ms : 0
    return Math.max(ms, line?.rest(request.unit_id, performance.now()) ?? 0)
  }

  /** A turn on a line that is silent, for a unit that need not rest. */
  async function turn(request: ReadRequest, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      for (let ms = rest(request); ms > 0; ms = rest(request)) await sleep(ms, AbortSignal.any([signal, ended.signal]))
      const over = await pace.turn(signal)
      try {
        await quiet(signal)
        ended.signal.throwIfAborted()
        signal.throwIfAborted()
        if (rest(request) <= 0) return over
      } catch (error) {
        over()
        throw error
      }
      over()
    }
  }

  return {
    async read(request, signal, took) {
      ended.signal.throwIfAborted()
      signal.throwIfAborted()
      const over = (line ? undefined : pace.turnNow()) ?? (await turn(request, signal))
      const { promise, resolve, reject } = Promise.withResolvers<ReadResult>()
      const forget = waiters.add(signal, reject)
      const began = took && performance.now()
      // The turn lasts as long as an answer may come, whoever waits for it.
      inOrder(request, (outcome) => {
        over()
        forget()
        if (began !== undefined) took?.(performance.now() - began + (serial?.silence ?? 0))
        if (outcome instanceof Fault) reject(outcome)
        else resolve(outcome)
      })
      return promise
    },
    lost: ended.signal,
    strangers,
    counters: () => ({ requests, registers, bits, timeouts, exceptions, dropped_frames: filter.dropped }),
    async [Symbol.asyncDispose]() {
      fail('source-closed', 'closed')
    },
  }
}

/** Real time, whole milliseconds up: a line is better silent for too long. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(Math.ceil(ms), undefined, { signal }).catch(() => signal.throwIfAborted())
}
