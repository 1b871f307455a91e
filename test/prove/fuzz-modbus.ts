import { functionCode, isBitTable, TABLES } from '../../adapters/modbus/address.ts'
import { type ModbusClient, openModbusClient } from '../../adapters/modbus/client.ts'
import { isUnusable, makeDecoder } from '../../adapters/modbus/decode.ts'
import type { ReadRequest } from '../../adapters/modbus/library.ts'
import { BYTE_ORDERS, type ByteOrder, registersOf } from '../../adapters/modbus/signal-type.ts'
import { Fault } from '../../core/fault.ts'
import { keyOf, openFuzzDevice } from './fuzz-device.ts'
import { makeRtuFrames, makeTcpFrames, pick } from './fuzz-frames.ts'

export interface FuzzModbusResult {
  /** wrong frames that were sent */
  readonly frames: number
  readonly answered: number
  readonly timeouts: number
  readonly exceptions: number
  readonly reconnects: number
  readonly wrong: number
  readonly crashes: number
}

/** Long enough that nothing is late that is not meant to be, on a busy machine too. */
const TIMEOUT = 60
/** Loops that read at once: four requests are open over TCP, and on a line one waits while a unit rests. */
const LOOPS = 4
const NUMBERS = ['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'] as const

/** Reads from the device of the proof by the adapter's own client, and compares what comes out with what it gave. */
export async function fuzzModbus(
  protocol: 'tcp' | 'rtu',
  random: () => number,
  say: (line: string) => void,
): Promise<{ run(frames: number): Promise<void>; result(): FuzzModbusResult } & AsyncDisposable> {
  const frames = protocol === 'tcp' ? makeTcpFrames(random) : makeRtuFrames(random)
  const device = await openFuzzDevice({ protocol, frames, random, timeout: TIMEOUT })
  const forever = new AbortController().signal
  let opening: Promise<ModbusClient> | undefined
  let [answered, timeouts, exceptions, reconnects, wrong, crashes] = [0, 0, 0, -1, 0, 0]

  function open(): Promise<ModbusClient> {
    reconnects++
    const at = { host: '127.0.0.1', port: device.port }
    return openModbusClient(
      { timeout: TIMEOUT, min_gap: 0, max_in_flight: LOOPS },
      protocol === 'tcp' ? { transport: 'tcp', ...at } : { transport: 'rtu_over_tcp', ...at, baud_rate: 115_200 },
      { source: 'fuzz' },
    )
  }

  function compare(request: ReadRequest, data: Buffer): void {
    const { unit_id, table, address, quantity } = request
    const right = device.expected(keyOf(unit_id, functionCode(table), address, quantity))
    const decoded =
      right?.equals(data) === true && (isBitTable(table) ? bitsAgree(right, data) : numbersAgree(random, right, data))
    if (decoded) return
    wrong++
    say(`fuzz: ${protocol}: ${JSON.stringify(request)} gave ${data.toString('hex')}, not ${right?.toString('hex')}`)
  }

  async function readOnce(): Promise<void> {
    opening ??= open()
    const used = opening
    const table = pick(random, TABLES)
    const quantity = isBitTable(table) ? 16 * (1 + Math.floor(random() * 20)) : 1 + Math.floor(random() * 125)
    const unit_id = 1 + Math.floor(random() * 8)
    const request: ReadRequest = { unit_id, table, address: Math.floor(random() * 60_000), quantity }
    try {
      const result = await (await used).read(request, forever)
      if (result.kind === 'timeout') timeouts++
      else if (result.kind === 'exception') exceptions++
      else {
        answered++
        compare(request, result.data)
      }
    } catch (error) {
      if (!(error instanceof Fault)) {
        crashes++
        say(`fuzz: ${protocol}: ${error instanceof Error ? error.stack : String(error)}`)
      }
      if (opening === used) opening = undefined
    }
  }

  return {
    async run(n) {
      const until = device.sent + n
      const loop = async (): Promise<void> => {
        while (device.sent < until) await readOnce()
      }
      await Promise.all(Array.from({ length: LOOPS }, loop))
    },
    result: () => ({ frames: device.sent, answered, timeouts, exceptions, reconnects, wrong, crashes }),
    async [Symbol.asyncDispose]() {
      await (await opening?.catch(() => undefined))?.[Symbol.asyncDispose]()
      await device[Symbol.asyncDispose]()
    },
  }
}

function bitsAgree(right: Buffer, data: Buffer): boolean {
  const { decode } = makeDecoder({ table: 'coil', type: 'bool', size: 1, byte_order: 'ABCD' })
  return Array.from({ length: right.length * 8 }, (_, i) => i).every(
    (i) => decode(data, i) === (((right[i >> 3]! >> (i & 7)) & 1) === 1),
  )
}

/** Decodes a number somewhere in the data, and by the definition of its type and order. */
function numbersAgree(random: () => number, right: Buffer, data: Buffer): boolean {
  const type = pick(random, NUMBERS)
  const size = registersOf(type)
  const room = right.length / 2 - size
  if (room < 0) return true
  const [byte_order, at] = [pick(random, BYTE_ORDERS), Math.floor(random() * (room + 1))]
  const value = makeDecoder({ table: 'holding', type, size, byte_order }).decode(data, at)
  const bytes = ordered(right.subarray(at * 2, (at + size) * 2), size === 1 ? swapOnly(byte_order) : byte_order)
  const view = new DataView(bytes.buffer)
  if (type === 'float32' || type === 'float64') {
    const exact = type === 'float32' ? view.getFloat32(0) : view.getFloat64(0)
    if (!Number.isFinite(exact)) return isUnusable(value)
    return type === 'float32' ? Math.fround(Number(value)) === exact : value === exact
  }
  let raw = 0n
  for (const byte of bytes) raw = raw * 256n + BigInt(byte)
  const exact = type.startsWith('int') ? BigInt.asIntN(size * 16, raw) : raw
  return (typeof value === 'number' || typeof value === 'bigint') && BigInt(value) === exact
}

/** A single word has bytes to swap, and no words. */
function swapOnly(order: ByteOrder): ByteOrder {
  return order === 'BADC' || order === 'DCBA' ? 'BADC' : 'ABCD'
}

function ordered(bytes: Buffer, order: ByteOrder): Uint8Array<ArrayBuffer> {
  const words = Array.from({ length: bytes.length / 2 }, (_, i) => [bytes[i * 2]!, bytes[i * 2 + 1]!])
  if (order === 'CDAB' || order === 'DCBA') words.reverse()
  if (order === 'BADC' || order === 'DCBA') for (const word of words) word.reverse()
  return Uint8Array.from(words.flat())
}
