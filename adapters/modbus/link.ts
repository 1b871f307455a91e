import type { Fault, FaultWhere } from '../../core/fault.ts'

/** An open way to the devices: bytes out, bytes in. */
export interface Link {
  send(bytes: Uint8Array): void
  /** Ends it at once; nothing is reported after that. */
  close(): void
}

/** What a link reports. */
export interface LinkEvents {
  received(chunk: Buffer): void
  /** It is gone; not called more than once, nor after `close`. */
  lost(fault: Fault): void
}

/** Where a link leads, everything filled in. */
export type LinkOptions =
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }
  | ({ readonly transport: 'tls'; readonly host: string; readonly port: number } & TlsFiles)
  | { readonly transport: 'rtu_over_tcp'; readonly host: string; readonly port: number; readonly baud_rate: number }
  | ({ readonly transport: 'rtu' } & SerialLine)

/** PEM texts of Modbus/TCP Security. */
export interface TlsFiles {
  readonly ca?: string | undefined
  readonly cert: string
  readonly key: string
  /** name in the device's certificate, where it is not the host */
  readonly servername?: string | undefined
}

/** A serial device and how it is set. */
export interface SerialLine {
  readonly serial_device: string
  readonly baud_rate: number
  readonly parity: 'none' | 'even' | 'odd'
  readonly stop_bits: 1 | 2
  readonly data_bits: 8
}

/** What opening a link needs to know beside its options. */
export interface LinkContext {
  /** longest wait until it is open, real ms */
  readonly timeout: number
  readonly where: FaultWhere
  readonly events: LinkEvents
}
