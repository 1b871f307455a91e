import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { pemCertificate, pemKey } from '../../core/pem.ts'
import { TRANSPORTS, type Transport } from './line-time.ts'
import type { LinkOptions } from './link.ts'

const tls = z.strictObject({
  ca: pemCertificate
    .optional()
    .describe('PEM of the authority that signed the device, as { file: path }; default: public ones'),
  cert: pemCertificate.describe('PEM of the certificate of this gateway, as { file: path }'),
  key: pemKey.describe('PEM of the key of that certificate, as { file: path }'),
  servername: z.string().min(1).optional().describe('name in the certificate of the device, where it is not the host'),
})

/** Options of a Modbus source that say how frames travel; which of them belong to which transport is checked together. */
export const transportShape = {
  transport: z
    .enum(TRANSPORTS)
    .default('tcp')
    .describe(
      'how frames travel: Modbus/TCP, RTU on a serial line (RS-485), RTU frames over TCP as device servers pass them on, or Modbus/TCP Security (mutual TLS)',
    ),
  host: z
    .string()
    .superRefine((text, ctx) => {
      if (!/^[^\s:/[\]]+$/.test(text) && !isIPv6(text))
        ctx.addIssue({
          code: 'custom',
          message: `"${text}" is not a host`,
          params: { hint: 'write a host name or IP address alone; the port goes to `port`' },
        })
    })
    .optional()
    .describe('host name or IP address of the device or gateway; required but with rtu'),
  port: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('TCP port; 502 with tcp, 802 with tls, required with rtu_over_tcp'),
  tls: tls.optional().describe('certificates of both sides; required with tls'),
  serial_device: z
    .string()
    .superRefine((text, ctx) => {
      if (!/^(\/\S|COM\d)/.test(text))
        ctx.addIssue({
          code: 'custom',
          message: `"${text}" is not a serial device`,
          params: {
            hint: 'write its whole path, such as /dev/serial/by-id/usb-FTDI_FT232R-if00-port0 or /dev/ttyUSB0',
          },
        })
    })
    .optional()
    .describe('path of the serial device, best the one under /dev/serial/by-id; required with rtu'),
  baud_rate: z
    .number()
    .int()
    .min(110)
    .max(4_000_000)
    .optional()
    .describe('bits a second of the serial line, with rtu_over_tcp of the one behind the device server; default 9600'),
  parity: z
    .enum(['none', 'even', 'odd'])
    .optional()
    .describe('parity of the serial line; default none (the standard says even)'),
  stop_bits: z
    .literal([1, 2], { error: 'expected 1 or 2' })
    .optional()
    .describe('stop bits of the serial line; default 1'),
  data_bits: z
    .literal(8, { error: 'expected 8: RTU frames are whole bytes, 7 bits belong to Modbus ASCII' })
    .optional()
    .describe('data bits of the serial line; RTU has 8'),
}

const transportSchema = z.object(transportShape)
type TransportConfig = z.infer<typeof transportSchema>
type Option = Exclude<keyof TransportConfig, 'transport'>

const OPTIONS: Readonly<Record<Transport, { readonly needs: readonly Option[]; readonly takes: readonly Option[] }>> = {
  tcp: { needs: ['host'], takes: ['port'] },
  tls: { needs: ['host', 'tls'], takes: ['port'] },
  rtu: { needs: ['serial_device'], takes: ['baud_rate', 'parity', 'stop_bits', 'data_bits'] },
  rtu_over_tcp: { needs: ['host', 'port'], takes: ['baud_rate'] },
}

const EXAMPLES: Readonly<Partial<Record<Option, string>>> = {
  host: 'add `host: 10.0.4.17`',
  port: 'add `port`: device servers have no standard one, see the settings of yours (often 4001, 8899 or 502)',
  tls: 'add `tls: { ca: { file: ca.pem }, cert: { file: gateway.pem }, key: { file: gateway.key } }`',
  serial_device: 'add `serial_device: /dev/serial/by-id/…`',
}

/** Ids above are reserved on a serial line (Modbus over Serial Line V1.02 §2.2). */
const LAST_UNIT = 247

/** Frames without a transaction id: one request at a time, unit id 0 is a broadcast. */
export function isRtu(transport: Transport): boolean {
  return transport === 'rtu' || transport === 'rtu_over_tcp'
}

/** Adds what is wrong with the options of a transport, taken together. */
export function checkTransport(
  config: TransportConfig & {
    readonly max_in_flight: number
    readonly devices: Readonly<Record<string, { readonly unit_id: number }>>
  },
  ctx: z.RefinementCtx,
): void {
  const { transport } = config
  const { needs, takes } = OPTIONS[transport]
  const problem = (path: string[], message: string, hint: string): void =>
    ctx.addIssue({ code: 'custom', path, message, params: { hint } })

  for (const key of needs)
    if (config[key] === undefined) problem([], `transport ${transport} needs \`${key}\``, EXAMPLES[key] ?? `add ${key}`)
  for (const key of Object.keys(transportShape) as (Option | 'transport')[]) {
    if (key === 'transport' || config[key] === undefined || needs.includes(key) || takes.includes(key)) continue
    const others = TRANSPORTS.filter((t) => OPTIONS[t].needs.includes(key) || OPTIONS[t].takes.includes(key))
    problem(
      [key],
      `transport ${transport} has no \`${key}\``,
      `remove it, or set \`transport\` to ${others.join(', ')}`,
    )
  }
  if (!isRtu(transport)) return
  if (config.max_in_flight > 1)
    problem(
      ['max_in_flight'],
      `${config.max_in_flight} requests at once on an RTU line`,
      'remove it: RTU frames carry no transaction id, so one request is open at a time',
    )
  for (const [device, { unit_id }] of Object.entries(config.devices)) {
    if (unit_id > LAST_UNIT)
      problem(
        ['devices', device, 'unit_id'],
        `unit id ${unit_id} is none of an RTU line, where they end at ${LAST_UNIT}`,
        'write the address set on the device, from 1 to 247',
      )
    if (unit_id === 0)
      problem(
        ['devices', device, 'unit_id'],
        'unit id 0 is the broadcast address of an RTU line, which nobody answers',
        'write the address set on the device, from 1 to 247',
      )
  }
}

/** Where the link of a checked source leads, with the defaults of its transport. */
export function linkOf(config: TransportConfig): LinkOptions {
  const { transport, host = '', baud_rate = 9_600 } = config
  switch (transport) {
    case 'tcp':
      return { transport, host, port: config.port ?? 502 }
    case 'tls':
      return { transport, host, port: config.port ?? 802, ...required(config.tls) }
    case 'rtu_over_tcp':
      return { transport, host, port: required(config.port), baud_rate }
    case 'rtu':
      return {
        transport,
        serial_device: required(config.serial_device),
        baud_rate,
        parity: config.parity ?? 'none',
        stop_bits: config.stop_bits ?? 1,
        data_bits: 8,
      }
  }
}

/** What only one source may use, and the option that names it. */
export function placeOf(config: TransportConfig): {
  readonly place: string
  readonly option: 'host' | 'serial_device'
} {
  const link = linkOf(config)
  if (link.transport === 'rtu') return { place: link.serial_device, option: 'serial_device' }
  return { place: `${link.host.toLowerCase()}:${link.port}`, option: 'host' }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('the options of the transport were not checked')
  return value
}
