import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { functionCode, isBitTable, TABLES, type Table } from './address.ts'

/** What a simulated device answers: values from `address` on, an exception, or nothing at all. */
export type SimulatedAnswer = ArrayLike<number> | { readonly exception: number } | 'silent'

/** A request as it came in. */
export interface SimulatedRequest {
  readonly transaction_id: number
  readonly unit_id: number
  readonly table: Table
  readonly address: number
  readonly quantity: number
}

export interface SimulatorOptions {
  /** Answers a read: 16-bit values of registers, 0 or 1 for bits. */
  read(unit_id: number, table: Table, address: number, quantity: number): SimulatedAnswer
  /** default 127.0.0.1 */
  readonly host?: string
  /** default 0: any free one */
  readonly port?: number
  /** connections that it takes at once, as PLCs do; any number where absent */
  readonly max_connections?: number
  /**
   * What becomes of the right answer, for faults: send it late, twice, in pieces, with another transaction id, or not at
   * all; reset the socket. Default: send it.
   */
  respond?(answer: Buffer, send: (bytes: Uint8Array) => void, request: SimulatedRequest, socket: Socket): void
}

export interface ModbusSimulator extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** requests so far, reads or not */
  readonly requests: number
  /** the last reads, newest last, at most 1,000 */
  readonly log: readonly SimulatedRequest[]
  readonly connections: number
  /** Cuts every connection with a RST. */
  reset(): void
}

const HEADER = 6
const ILLEGAL_FUNCTION = 1
const ILLEGAL_VALUE = 3
const TABLE_OF_CODE = new Map<number, Table>(TABLES.map((table) => [functionCode(table), table]))

/** A Modbus/TCP server that reads (function codes 1–4) and answers exception 1 to everything else. */
export async function openModbusSimulator(options: SimulatorOptions): Promise<ModbusSimulator> {
  const sockets = new Set<Socket>()
  const log: SimulatedRequest[] = []
  let requests = 0

  function answer(frame: Buffer, socket: Socket): void {
    requests++
    const code = frame[7]!
    const table = TABLE_OF_CODE.get(code)
    const send = (bytes: Uint8Array): void => {
      if (socket.writable) socket.write(bytes)
    }
    if (!table || frame.length !== 12) {
      send(response(frame, code | 0x80, [ILLEGAL_FUNCTION]))
      return
    }
    const request: SimulatedRequest = {
      transaction_id: frame.readUInt16BE(0),
      unit_id: frame[6]!,
      table,
      address: frame.readUInt16BE(8),
      quantity: frame.readUInt16BE(10),
    }
    if (log.push(request) > 2_000) log.splice(0, 1_000)
    const result = legal(request)
      ? options.read(request.unit_id, table, request.address, request.quantity)
      : { exception: ILLEGAL_VALUE }
    if (result === 'silent') return
    const bytes =
      'exception' in result
        ? response(frame, code | 0x80, [result.exception])
        : response(frame, code, dataOf(table, result, request.quantity))
    if (options.respond) options.respond(bytes, send, request, socket)
    else send(bytes)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    let held: Buffer = Buffer.alloc(0)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      while (held.length >= HEADER + 2) {
        const length = HEADER + held.readUInt16BE(4)
        if (length < HEADER + 2 || held.length < length) break
        answer(held.subarray(0, length), socket)
        held = held.subarray(length)
      }
    })
  })
  if (options.max_connections !== undefined) server.maxConnections = options.max_connections
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo

  return {
    host,
    port,
    log,
    get requests() {
      return requests
    },
    get connections() {
      return sockets.size
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Registers and bits of simulated units, for the callback of a simulator. */
export interface SimulatorMemory {
  /** Values from `address` on; makes the unit and the addresses exist. */
  set(unit_id: number, table: Table, address: number, values: ArrayLike<number>): void
  /** Makes addresses illegal again. */
  unset(unit_id: number, table: Table, address: number, quantity: number): void
  /** Exception 2 where an address was never set, silence where the unit has none. */
  readonly read: SimulatorOptions['read']
}

export function makeSimulatorMemory(): SimulatorMemory {
  const units = new Map<number, Record<Table, Map<number, number>>>()
  const unit = (id: number): Record<Table, Map<number, number>> => {
    const known = units.get(id) ?? { holding: new Map(), input: new Map(), coil: new Map(), discrete: new Map() }
    units.set(id, known)
    return known
  }
  return {
    set(unit_id, table, address, values) {
      const cells = unit(unit_id)[table]
      for (let i = 0; i < values.length; i++) cells.set(address + i, values[i]!)
    },
    unset(unit_id, table, address, quantity) {
      for (let i = 0; i < quantity; i++) units.get(unit_id)?.[table].delete(address + i)
    },
    read(unit_id, table, address, quantity) {
      const cells = units.get(unit_id)?.[table]
      if (!cells) return 'silent'
      const values = new Uint16Array(quantity)
      for (let i = 0; i < quantity; i++) {
        const value = cells.get(address + i)
        if (value === undefined) return { exception: 2 }
        values[i] = value
      }
      return values
    },
  }
}

function legal(r: SimulatedRequest): boolean {
  return r.quantity >= 1 && r.quantity <= (isBitTable(r.table) ? 2000 : 125) && r.address + r.quantity <= 65_536
}

function response(request: Buffer, code: number, data: ArrayLike<number>): Buffer {
  const frame = Buffer.alloc(HEADER + 2 + data.length)
  frame.writeUInt16BE(request.readUInt16BE(0), 0)
  frame.writeUInt16BE(2 + data.length, 4)
  frame[6] = request[6]!
  frame[7] = code
  frame.set(data, 8)
  return frame
}

/** Byte count and data of a good answer. */
function dataOf(table: Table, values: ArrayLike<number>, quantity: number): Uint8Array {
  if (isBitTable(table)) {
    const data = new Uint8Array(1 + Math.ceil(quantity / 8))
    data[0] = data.length - 1
    for (let i = 0; i < quantity; i++) if (values[i]) data[1 + (i >> 3)]! |= 1 << (i & 7)
    return data
  }
  const data = new Uint8Array(1 + quantity * 2)
  data[0] = quantity * 2
  for (let i = 0; i < quantity; i++) {
    data[1 + i * 2] = values[i]! >> 8
    data[2 + i * 2] = values[i]! & 0xff
  }
  return data
}
