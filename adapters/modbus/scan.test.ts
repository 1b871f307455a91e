import { describe, expect, it } from 'vitest'
import { findLibmodbus, openLibmodbus } from '../../test/support/libmodbus.ts'
import { openModbusClient, type ReadResult } from './client.ts'
import type { ReadRequest } from './library.ts'
import { emptyScan, requestsOf, type ScanTask, scan } from './scan.ts'

const OK: ReadResult = { kind: 'data', data: Buffer.alloc(250) }
const refuse = (code: number): ReadResult => ({ kind: 'exception', code })
const SILENT: ReadResult = { kind: 'timeout' }
const inside = (r: ReadRequest, from: number, to: number): boolean =>
  r.address >= from && r.address + r.quantity - 1 <= to

/** Scans what answers so, and counts. */
async function scanned(task: Partial<ScanTask>, answer: (request: ReadRequest) => ReadResult) {
  const found = emptyScan()
  const asked: ReadRequest[] = []
  const ask = async (request: ReadRequest): Promise<ReadResult> => {
    asked.push(request)
    return answer(request)
  }
  await scan({ units: [1], tables: ['holding'], range: [0, 999], ...task }, ask, found)
  return { found, asked }
}

describe('a scan', () => {
  it('finds units that answer, by data or exceptions, and walks only those', async () => {
    const { found, asked } = await scanned({ units: [1, 2, 3, 4, 5], range: [0, 249] }, ({ unit_id }) =>
      unit_id === 2 ? OK : unit_id === 3 ? refuse(1) : unit_id === 4 ? refuse(11) : unit_id === 5 ? refuse(10) : SILENT,
    )
    expect(found).toEqual({
      asked: 5,
      ignores_unit_id: false,
      units: [
        { unit_id: 2, readable: [{ table: 'holding', from: 0, to: 249 }], unclear: [] },
        {
          unit_id: 3,
          readable: [],
          unclear: [{ table: 'holding', from: 0, to: 249, reason: 'the unit has no such table' }],
        },
      ],
    })
    expect(asked).toHaveLength(5 + 2 + 1)
  })

  it.each([
    { blocks: [[0, 99]], most: 40 },
    { blocks: [[7, 7]], most: 2_000 },
    {
      blocks: [
        [0, 9],
        [12, 45],
        [500, 777],
        [999, 999],
      ],
      most: 2_000,
    },
    { blocks: [], most: 2_000 },
  ])('finds the blocks $blocks exactly', async ({ blocks }) => {
    const { found, asked } = await scanned({}, (r) =>
      blocks.some(([from, to]) => inside(r, from!, to!)) ? OK : refuse(2),
    )
    expect(found.units[0]!.readable.map(({ from, to }) => [from, to])).toEqual(blocks)
    expect(asked.length).toBeLessThanOrEqual(requestsOf({ units: [1], tables: ['holding'], range: [0, 999] })[1])
    expect(asked.length).toBeGreaterThanOrEqual(requestsOf({ units: [1], tables: ['holding'], range: [0, 999] })[0])
  })

  it('finds values of two registers that are refused by half', async () => {
    const { found } = await scanned({ range: [0, 99] }, (r) =>
      inside(r, 40, 51) && r.address % 2 === 0 && r.quantity % 2 === 0 ? OK : refuse(2),
    )
    expect(found.units[0]!.readable).toEqual([{ table: 'holding', from: 40, to: 51 }])
  })

  it('asks for less where a device refuses long reads', async () => {
    const { found, asked } = await scanned({}, (r) => (r.quantity <= 32 ? OK : refuse(3)))
    expect(found.units[0]!.readable).toEqual([{ table: 'holding', from: 0, to: 999 }])
    expect(asked.length).toBeLessThan(50)
  })

  it('leaves a unit that does not answer any more', async () => {
    const { found, asked } = await scanned({ tables: ['holding', 'input'] }, (r) => (r.quantity === 1 ? OK : SILENT))
    expect(asked).toHaveLength(1 + 3)
    expect(found.units[0]!.unclear.map(({ reason }) => reason)).toEqual(['no answer', 'no answer', 'no answer'])
  })

  it('walks one unit of a device that answers for every unit id', async () => {
    const units = Array.from({ length: 20 }, (_, i) => i + 1)
    const { found, asked } = await scanned({ units, range: [0, 124] }, () => OK)
    expect([found.ignores_unit_id, asked.length]).toEqual([true, 21])
  })

  it('keeps what it has found where it is ended', async () => {
    let left = 12
    const found = emptyScan()
    const ask = async (r: ReadRequest): Promise<ReadResult> => {
      if (left-- === 0) throw new Error('ended')
      return inside(r, 0, 99) ? OK : refuse(2)
    }
    await expect(scan({ units: [1], tables: ['holding'], range: [0, 999] }, ask, found)).rejects.toThrow('ended')
    expect(found.units).toMatchObject([{ unit_id: 1, readable: [{ from: 0 }] }])
  })
})

const flags = await findLibmodbus()

it.skipIf(flags === undefined)('finds what libmodbus lets read, never with two requests open', async () => {
  await using server = await openLibmodbus(flags!)
  const client = await openModbusClient(
    { timeout: 500, min_gap: 0, max_in_flight: 1 },
    { transport: 'tcp', host: '127.0.0.1', port: server.port },
    {},
  )
  const found = emptyScan()
  const task: ScanTask = { units: [5], tables: ['holding', 'coil'], range: [1_900, 2_100] }
  await scan(task, (request) => client.read(request, new AbortController().signal), found)
  await client[Symbol.asyncDispose]()
  expect(found.units).toMatchObject([
    {
      unit_id: 5,
      readable: [
        { table: 'holding', from: 1_900, to: 1_999 },
        { table: 'coil', from: 1_900, to: 1_999 },
      ],
    },
  ])
})
