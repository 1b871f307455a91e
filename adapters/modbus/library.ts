import { Socket } from 'node:net'
import modbusSerial from 'modbus-serial'
import { functionCode, type Table } from './address.ts'

/** One read request. */
export interface ReadRequest {
  readonly unit_id: number
  readonly table: Table
  readonly address: number
  readonly quantity: number
  /** it looks for what may not be there: silence says nothing of the link */
  readonly guess?: true
}

/** What the library says of it: data, or an error that has `modbusCode` where the device answered with an exception. */
export type Answered = (
  error: (Error & { readonly modbusCode?: number }) | null | undefined,
  answer: { readonly buffer: Buffer } | undefined,
) => void

/** The Modbus library without a network. */
export interface LinkedLibrary {
  /** Encodes the request; `answered` is called when its answer was delivered, perhaps never. */
  request(request: ReadRequest, answered: Answered): void
  /** Hands it a whole frame that came from the network. */
  deliver(frame: Buffer): void
  /** For tests: what it can do beyond reading. */
  readonly client: InstanceType<typeof modbusSerial.default>
}

/**
 * Links modbus-serial to `send` instead of a socket. It insists on a `net.Socket`, so it gets one that is never
 * connected and whose few used members are ours: what it writes goes to `send`, what it reads is what we deliver.
 * No timeout is set: its timers leave promises open, deadlines are the caller's.
 */
export async function linkLibrary(send: (frame: Uint8Array) => void): Promise<LinkedLibrary> {
  const standIn = new Socket()
  Object.defineProperties(standIn, {
    readyState: { value: 'open' },
    write: {
      value: (frame: Uint8Array) => {
        send(frame)
        return true
      },
    },
  })
  const client = new modbusSerial.default()
  client.on('error', () => undefined) // an emitter without a listener would end the process
  await client.linkTCP(standIn, { port: 0 })
  return {
    request({ unit_id, table, address, quantity }, answered) {
      switch (functionCode(table)) {
        case 1:
          return client.writeFC1(unit_id, address, quantity, answered)
        case 2:
          return client.writeFC2(unit_id, address, quantity, answered)
        case 3:
          return client.writeFC3(unit_id, address, quantity, answered)
        case 4:
          return client.writeFC4(unit_id, address, quantity, answered)
      }
    },
    deliver: (frame) => void standIn.emit('data', frame),
    client,
  }
}
