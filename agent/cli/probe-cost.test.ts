import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { makeSimulatorMemory, openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { sluice, sluiceProcess } from '../../test/support/sluice.ts'
import { serveControl, socketPath } from '../daemon/control.ts'

/** ms that the device takes; far more than what else takes time here */
const [REQUEST, REGISTER] = [20, 5]

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cost-'))
  const memory = makeSimulatorMemory()
  memory.set(1, 'holding', 0, new Array(30).fill(7))
  const plc = await openModbusSimulator({
    read: memory.read,
    respond: (answer, send, { quantity }) => void setTimeout(() => send(answer), REQUEST + quantity * REGISTER),
  })
  onTestFinished(async () => {
    await plc[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(
    file,
    `version: 1
gateway: { name: hall-2, data_dir: data }
sources:
  line:
    kind: modbus
    host: ${plc.host}
    port: ${plc.port}
    devices:
      plc: { signals: { a: { holding: 0 }, b: { holding: 29 } } }
  broker: { kind: mqtt, url: "mqtt://${plc.host}", subscriptions: [{ topic: a, asset: b, payload: json, signals: { t: { path: $.t } } }] }
`,
  )
  return { folder, file, plc }
}

it('proposes what it measured, and says before what it will do', { timeout: 60_000 }, async () => {
  const { file, plc } = await setUp()
  const { code, out, err } = await sluiceProcess(['probe', 'line', '--cost', '-c', file])
  expect(code).toBe(0)
  expect(err).toContain('each of at most 3 devices is read once, then 12 short and 12 long reads')
  expect(plc.requests).toBe(25)
  expect(out).toMatch(/^plc +holding 0 +[\d.]+ ms +holding 0–29 +[\d.]+ ms +1[0-2] of 12$/m)
  expect(out).toMatch(/^now +cost: \{ request: 5ms, register: 0.01ms \} +1 request planned$/m)
  expect(out).toMatch(/^measured .* 2 requests planned$/m)
  const [, request, register] = /# sources\.line\ncost: \{ request: ([\d.]+)ms, register: ([\d.]+)ms \}\n$/.exec(out)!
  // Other work of this machine comes on top: of each read, so of a request.
  expect(Number(request)).toBeGreaterThan(REQUEST * 0.7)
  expect(Number(request)).toBeLessThan(REQUEST * 5)
  expect(Number(register)).toBeGreaterThan(REGISTER * 0.7)
  expect(Number(register)).toBeLessThan(REGISTER * 1.5)
})

it('asks the running agent, and never the device beside it', async () => {
  const { file, folder, plc } = await setUp()
  const [short, long] = [
    { what: 'holding 0', registers: 1 },
    { what: 'holding 0–20', registers: 21 },
  ]
  const pairs = Array.from({ length: 12 }, () => [5, 5])
  await using _ = await serveControl(socketPath(join(folder, 'data')), {
    cost: async (source) => [
      { kind: 'timed', device: source, short, long, pairs },
      { kind: 'untimed', device: 'other', why: 'no answer' },
    ],
  })
  const shown = await sluice(['probe', 'line', '--cost', '-c', file])
  expect(shown.out).toContain('other: no answer\n')
  expect(shown.out).toContain('the long reads were not slower often enough to tell what a register costs')
  const { code, out } = await sluice(['probe', 'line', '--cost', '--json', '-c', file])
  expect({ code, found: JSON.parse(out) }).toMatchObject({
    code: 0,
    found: {
      source: 'line',
      devices: [
        { device: 'line', turns: 12, slower: 0, short_ms: 5, register_ms: null },
        { device: 'other', why: 'no answer' },
      ],
      propose: 'cost: { request: 5ms }',
    },
  })
  expect(plc.requests).toBe(0)
})

it('proposes nothing by one length of reads alone', async () => {
  const { file, folder } = await setUp()
  await using _ = await serveControl(socketPath(join(folder, 'data')), {
    cost: async () => [{ kind: 'untimed', device: 'plc', why: 'all that can be read of it has one length' }],
  })
  const { code, out } = await sluice(['probe', 'line', '--cost', '-c', file])
  expect(code).toBe(1)
  expect(out).toMatch(/^plc: all that can be read of it has one length\nnothing is proposed: /)
})

it('refuses what has no cost', async () => {
  const { file } = await setUp()
  const wrong = await Promise.all([
    sluice(['probe', 'broker', '--cost', '-c', file]),
    sluice(['probe', '--cost', '-c', file]),
  ])
  for (const { code, out } of wrong) expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(wrong.map(({ err }) => err).join()).toMatch(/no such Modbus source.*name the source/s)
})
