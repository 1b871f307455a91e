import type { FrameFilter } from './frame.ts'
import { makeFrameFilter } from './frame-filter.ts'
import { characterTime, frameSilence } from './line-time.ts'
import type { Link, LinkContext, LinkOptions } from './link.ts'
import { makeRtuFilter } from './rtu-filter.ts'
import { openTcpLink } from './tcp-link.ts'

/** Times of a serial line, real ms. */
export interface SerialTimes {
  /** silence that must lie before a request */
  readonly silence: number
  /** what one character takes */
  readonly character: number
}

/** So many timeouts after it was given up, a request on an RTU line will not be answered any more. */
const LATE = 2

/** How frames travel over a link, before it is open. */
export interface Framing {
  readonly filter: FrameFilter
  /** absent where frames are told apart by their transaction ids */
  readonly serial?: SerialTimes
  /** what is spoken, for an operator */
  readonly protocol: 'Modbus/TCP' | 'Modbus RTU'
  /** where it leads, for an operator: `10.0.4.17:502` or a path */
  readonly at: string
}

/** @param timeout longest wait for an answer, ms */
export function framingOf(options: LinkOptions, timeout: number): Framing {
  switch (options.transport) {
    case 'tcp':
    case 'tls':
      return {
        filter: makeFrameFilter(Math.floor(Math.random() * 65_536)),
        protocol: 'Modbus/TCP',
        at: `${options.host}:${options.port}`,
      }
    case 'rtu_over_tcp':
      return {
        filter: makeRtuFilter(LATE * timeout, () => performance.now()),
        serial: times(options.baud_rate),
        protocol: 'Modbus RTU',
        at: `${options.host}:${options.port}`,
      }
    case 'rtu': {
      const bits = 1 + options.data_bits + (options.parity === 'none' ? 0 : 1) + options.stop_bits
      return {
        filter: makeRtuFilter(LATE * timeout, () => performance.now()),
        serial: times(options.baud_rate, bits),
        protocol: 'Modbus RTU',
        at: options.serial_device,
      }
    }
  }
}

/** Opens the link of a transport; what only some need is loaded only for them. */
export async function openLink(options: LinkOptions, context: LinkContext): Promise<Link> {
  switch (options.transport) {
    case 'tcp':
    case 'rtu_over_tcp':
      return openTcpLink(options, context)
    case 'tls':
      return (await import('./tls-link.ts')).openTlsLink(options, context)
    case 'rtu':
      return (await import('./serial-link.ts')).openSerialLink(options, context)
  }
}

function times(baud_rate: number, bits?: number): SerialTimes {
  return { silence: frameSilence(baud_rate, bits), character: characterTime(baud_rate, bits) }
}
