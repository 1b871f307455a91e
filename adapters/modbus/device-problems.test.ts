import { describe, expect, it } from 'vitest'
import { planModbusSource } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'

const signals = {
  a: { holding: 0 },
  b: { holding: 4, type: 'uint32' },
  c: { holding: 200 },
  slow: { holding: 1, period: '10s' },
  coil: { coil: 0 },
}

function check(device: object, source: object = {}): readonly (readonly [string, string])[] {
  const config = modbusSourceSchema.parse({
    kind: 'modbus',
    host: 'plc',
    devices: { plc: { signals, ...device } },
    ...source,
  })
  return planModbusSource('line', config).problems.map((p) => {
    expect(p.hint).toMatch(/\w/)
    return [p.path.slice(4).join('.'), p.message]
  })
}

describe('ranges and groups of a device', () => {
  it.each<[object, object]>([
    [{ forbidden: [{ table: 'holding', from: 6, to: 199 }] }, {}],
    [{ forbidden: [{ table: 'input', from: 0, to: 9 }] }, {}],
    [{ together: [['a', 'b']] }, {}],
    [{ together: [['a', 'b']] }, { max_gap: 3 }],
    [{ together: [['a', 'b']], signals: { ...signals, d: { holding: 2 } } }, { max_gap: 1 }],
  ])('takes %j with %j', (device, source) => {
    expect(check(device, source)).toEqual([])
  })

  it.each<[object, object, string, RegExp]>([
    [{ forbidden: [{ table: 'holding', from: 5, to: 4 }] }, {}, 'forbidden.0', /before/],
    [{ forbidden: [{ table: 'holding', from: 5, to: 9 }] }, {}, 'forbidden.0', /signal b lies in .*holding 5–9/],
    [{ together: [['a', 'x']] }, {}, 'together.0.1', /no signal "x"/],
    [
      {
        together: [
          ['a', 'b'],
          ['b', 'c'],
        ],
      },
      {},
      'together.1.0',
      /b stands twice/,
    ],
    [{ together: [['a', 'a']] }, {}, 'together.0.1', /a stands twice/],
    [{ together: [['a', 'coil']] }, {}, 'together.0', /different tables/],
    [{ together: [['a', 'slow']] }, {}, 'together.0', /a is read every 1s, slow every 10s/],
    [{ together: [['a', 'c']] }, {}, 'together.0', /holding 0–200 are 201 registers, more than .*max_registers 125/],
    [
      { together: [['a', 'b']], forbidden: [{ table: 'holding', from: 2, to: 3 }] },
      {},
      'together.0',
      /forbidden holding 2–3/,
    ],
    [{ together: [['a', 'b']] }, { max_gap: 2 }, 'together.0', /3 unused registers in a row \(max_gap 2\)/],
  ])('refuses %j with %j', (device, source, path, message) => {
    expect(check(device, source)).toEqual([[path, expect.stringMatching(message)]])
  })
})
