import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { makeSimulatorMemory, openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { sluice, sluiceProcess } from '../../test/support/sluice.ts'
import { serveControl, socketPath } from '../daemon/control.ts'

/** The connection is closed over this unit, as some gateways do. */
const CLOSES = 4

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-scan-'))
  const memory = makeSimulatorMemory()
  const gateway = await openModbusSimulator({
    read: memory.read,
    respond: (answer, send, { unit_id }, socket) => (unit_id === CLOSES ? socket.end() : send(answer)),
  })
  memory.set(CLOSES, 'holding', 0, [1])
  onTestFinished(async () => {
    await gateway[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  memory.set(6, 'holding', 2, new Array(30).fill(7))
  memory.set(7, 'holding', 0, new Array(10).fill(7))
  memory.set(7, 'input', 5, [1])
  const file = join(folder, 'sluice.yaml')
  writeFileSync(
    file,
    `version: 1
gateway: { name: hall-2, data_dir: ${folder} }
sources:
  line: { kind: modbus, host: ${gateway.host}, port: ${gateway.port}, devices: { m: { signals: { a: { holding: 0 } } } } }
`,
  )
  const at = `localhost:${gateway.port}`
  const quick = ['--units', '1-8', '--range', '0-39', '--rate', '100', '--timeout', '250ms', '-c', file]
  return { folder, gateway, at, quick }
}

it('finds unit ids and readable blocks, says before what it will do, and opens a closed connection again', async () => {
  const { at, quick, gateway } = await setUp()
  const { code, out, err } = await sluiceProcess([
    ...['probe', '--scan', at, ...quick],
    ...['--table', 'holding', 'input', '--json'],
  ])
  expect({ code, found: JSON.parse(out) }).toMatchObject({
    code: 0,
    found: {
      complete: true,
      asked: 8,
      units: [
        { unit_id: 6, readable: [{ table: 'holding', from: 2, to: 31 }] },
        {
          unit_id: 7,
          readable: [
            { table: 'holding', from: 0, to: 9 },
            { table: 'input', from: 5, to: 5 },
          ],
        },
      ],
    },
  })
  expect(err).toContain('at most 100 requests a second, never two at once')
  expect(gateway.log.every((r) => r.unit_id >= 1 && r.unit_id <= 8 && r.address + r.quantity <= 40)).toBe(true)
})

it('refuses a device that the running agent has open, however its host is written', async () => {
  const { folder, gateway, at, quick } = await setUp()
  await using _ = await serveControl(socketPath(folder), { status: async () => ({}) })
  const { code, err } = await sluice(['probe', '--scan', at, ...quick])
  expect(code).toBe(2)
  expect(err).toContain('`sluice probe line` reads it through the agent; stop the agent to scan')
  expect(gateway.requests).toBe(0)
})

it('refuses what cannot be', async () => {
  const { quick } = await setUp()
  const scan = (...args: string[]) => sluice(['probe', '--scan', ...args])
  const wrong = await Promise.all([
    scan('a:b', ...quick),
    scan('127.0.0.1', '--units', '9-1'),
    scan('127.0.0.1', '--range', '0-65536'),
    scan('127.0.0.1', '--rate', '1000'),
    scan('127.0.0.1', '--table', 'files'),
  ])
  expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2])
  expect(wrong.map(({ err }) => err).join()).toMatch(
    /host:port.*up to 255, such as 1-20.*up to 65535.*up to 100.*holding, input, coil, discrete/s,
  )
})
