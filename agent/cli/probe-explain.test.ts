import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { encodeRegisters } from '../../adapters/modbus/encode.ts'
import { makeSimulatorMemory, openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { sluice, sluiceProcess } from '../../test/support/sluice.ts'
import { serveControl, socketPath } from '../daemon/control.ts'

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-explain-'))
  const memory = makeSimulatorMemory()
  const meter = await openModbusSimulator({ read: memory.read })
  onTestFinished(async () => {
    await meter[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  memory.set(7, 'holding', 100, encodeRegisters(230.4, 'float32', 'CDAB'))
  memory.set(7, 'holding', 102, encodeRegisters(49.98, 'float32', 'CDAB'))
  const file = join(folder, 'sluice.yaml')
  mkdirSync(join(folder, 'data'))
  writeFileSync(
    file,
    `version: 1
gateway: { name: hall-2, data_dir: data }
sources:
  line:
    kind: modbus
    host: ${meter.host}
    port: ${meter.port}
    devices:
      meter:
        unit_id: 7
        signals:
          voltage: { holding: 100, type: float32, unit: V }
          run: { coil: 3 }
`,
  )
  return { file, folder, meter }
}

it('explains a signal whose words are swapped, by a line that then reads it', async () => {
  const { file, meter } = await setUp()
  const { code, out } = await sluiceProcess(['probe', 'line', '--explain', 'voltage', '--reads', '1', '-c', file])
  expect(code).toBe(0)
  expect(out).toContain('meter/voltage: holding 100–103, configured float32 ABCD')
  expect(out).toMatch(/=> +2 +float32 +CDAB +230\.4$/m)
  const line = 'voltage: { holding: 100, type: float32, byte_order: CDAB, unit: V }'
  expect(out.trimEnd().split('\n').slice(-2)).toEqual(['# sources.line.devices.meter.signals', line])
  expect(new Set(meter.log.map((r) => r.table))).toEqual(new Set(['holding']))

  writeFileSync(file, readFileSync(file, 'utf8').replace(/voltage:.*/, line))
  const again = await sluice(['probe', 'line', '--explain', 'meter/voltage', '--reads', '1', '--json', '-c', file])
  expect(JSON.parse(again.out)).toMatchObject({ signal: 'meter/voltage', address: 100, propose: line })
})

it('goes through the running agent, and sees the registers of its signals', async () => {
  const { file, folder, meter } = await setUp()
  const asked: string[] = []
  const reading = { source: 'line', device: 'meter', asset: 'meter', signal: 'voltage', raw: '6666 4366' }
  await using _ = await serveControl(socketPath(join(folder, 'data')), {
    probe: async (source) => {
      asked.push(source)
      return { readings: [reading], faults: [] }
    },
  })
  const { out } = await sluice(['probe', 'line', '--explain', 'voltage', '--reads', '2', '--json', '-c', file])
  expect(JSON.parse(out)).toMatchObject({
    raw: ['6666 4366', '6666 4366'],
    propose: 'voltage: { holding: 100, type: float32, byte_order: CDAB, unit: V }',
  })
  expect([asked, meter.connections, meter.requests]).toEqual([['line', 'line'], 0, 0])
})

it('says what it cannot explain', async () => {
  const { file } = await setUp()
  const explain = (...args: string[]) => sluice(['probe', ...args, '-c', file])
  const wrong = await Promise.all([
    explain('line', '--explain', 'current'),
    explain('line', '--explain', 'run'),
    explain('other', '--explain', 'voltage'),
    explain('--explain', 'voltage'),
    explain('line', '--explain', 'voltage', '--reads', '0'),
  ])
  for (const { code, out } of wrong) expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(wrong.map(({ err }) => err).join()).toMatch(
    /has no signal current.*is a coil: one bit.*no such Modbus source.*name the source.*from 1 to 99/s,
  )
})
