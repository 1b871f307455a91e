import { describe, expect, it } from 'vitest'
import { CERTIFICATE, PRIVATE_KEY } from '../../test/support/pem.ts'
import { modbusSourceSchema } from './schema.ts'
import { linkOf, placeOf } from './transport-schema.ts'

const source = (options: object) =>
  modbusSourceSchema.safeParse({ kind: 'modbus', devices: { plc: { signals: { s: { holding: 0 } } } }, ...options })
const pem = { cert: CERTIFICATE, key: PRIVATE_KEY }

describe('linkOf', () => {
  it.each([
    [{ host: 'plc' }, { transport: 'tcp', host: 'plc', port: 502 }],
    [
      { transport: 'tls', host: 'plc', tls: pem },
      { transport: 'tls', host: 'plc', port: 802, ...pem },
    ],
    [
      { transport: 'rtu_over_tcp', host: 'moxa', port: 4001, baud_rate: 19_200 },
      { transport: 'rtu_over_tcp', host: 'moxa', port: 4001, baud_rate: 19_200 },
    ],
    [
      { transport: 'rtu', serial_device: '/dev/ttyUSB0' },
      {
        transport: 'rtu',
        serial_device: '/dev/ttyUSB0',
        baud_rate: 9600,
        parity: 'none',
        stop_bits: 1,
        data_bits: 8,
      },
    ],
    [
      { transport: 'rtu', serial_device: 'COM3', baud_rate: 19_200, parity: 'even', stop_bits: 2, data_bits: 8 },
      { transport: 'rtu', serial_device: 'COM3', baud_rate: 19_200, parity: 'even', stop_bits: 2, data_bits: 8 },
    ],
  ])('of %j', (options, link) => {
    expect(linkOf(source(options).data!)).toEqual(link)
  })
})

describe('placeOf', () => {
  it.each([
    [{ host: 'PLC' }, 'plc:502', 'host'],
    [{ transport: 'tls', host: 'plc', tls: pem }, 'plc:802', 'host'],
    [{ transport: 'rtu', serial_device: '/dev/ttyS0' }, '/dev/ttyS0', 'serial_device'],
  ])('of %j', (options, place, option) => {
    expect(placeOf(source(options).data!)).toEqual({ place, option })
  })
})

describe('the options of a transport', () => {
  it.each([
    [{}, '', /needs `host`/],
    [{ transport: 'tls', host: 'plc' }, '', /needs `tls`/],
    [{ transport: 'tls', host: 'plc', tls: { ca: 'CA' } }, 'tls.cert', /./],
    [{ transport: 'rtu' }, '', /needs `serial_device`/],
    [{ transport: 'rtu_over_tcp', host: 'moxa' }, '', /needs `port`/],
    [{ host: 'plc', tls: pem }, 'tls', /tcp has no `tls`/],
    [{ host: 'plc', baud_rate: 9600 }, 'baud_rate', /tcp has no `baud_rate`/],
    [{ transport: 'rtu_over_tcp', host: 'moxa', port: 1, parity: 'even' }, 'parity', /rtu_over_tcp has no `parity`/],
    [{ transport: 'rtu', serial_device: '/dev/ttyS0', host: 'plc' }, 'host', /rtu has no `host`/],
    [{ transport: 'rtu', serial_device: '/dev/ttyS0', max_in_flight: 2 }, 'max_in_flight', /RTU/],
    [{ transport: 'rtu_over_tcp', host: 'moxa', port: 1, max_in_flight: 4 }, 'max_in_flight', /RTU/],
    [{ transport: 'rtu', serial_device: '/dev/ttyS0', data_bits: 7 }, 'data_bits', /ASCII/],
    [{ transport: 'rtu', serial_device: 'ttyS0' }, 'serial_device', /not a serial device/],
    [{ transport: 'ascii', serial_device: '/dev/ttyS0' }, 'transport', /rtu/],
  ])('refuses %j', (options, path, message) => {
    const said = (source(options).error?.issues ?? []).map((i) => [i.path.join('.'), i.message])
    expect(said).toContainEqual([path, expect.stringMatching(message)])
  })
  it.each([
    { transport: 'rtu', serial_device: '/dev/ttyS0' },
    { transport: 'rtu_over_tcp', host: 'moxa', port: 4001 },
  ])('has no unit above 247 with %j', (options) => {
    const of = (unit_id: number) => source({ ...options, devices: { u: { unit_id, signals: { s: { holding: 0 } } } } })
    expect(of(247).success).toBe(true)
    expect(of(248).error?.issues.map((i) => [i.path.join('.'), i.message])).toEqual([
      ['devices.u.unit_id', expect.stringMatching(/unit id 248 .* 247/)],
    ])
  })

  it('has no broadcasts: nobody answers them, and some adapters never recover', () => {
    const devices = { all: { unit_id: 0, signals: { s: { holding: 0 } } } }
    expect(source({ transport: 'rtu', serial_device: '/dev/ttyS0', devices }).error?.issues[0]?.message).toMatch(
      /broadcast/,
    )
    // Over Modbus/TCP unit 0 is how many devices call themselves.
    expect(source({ host: 'plc', devices }).success).toBe(true)
  })
})
