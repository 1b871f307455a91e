import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { openModbusSource } from './adapter.ts'
import { TABLES } from './address.ts'
import { describeReads } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'
import { makeSimulatorMemory, openModbusSimulator } from './simulator.ts'

/** A bug or a complaint: a source, what its units hold, and what must come of it. Other keys are options of the source. */
const caseSchema = z.looseObject({
  about: z.string(),
  /** unit id → table → address → values */
  units: z.record(z.string(), z.partialRecord(z.enum(TABLES), z.record(z.string(), z.array(z.number())))),
  /** registers or bits that a unit gives at once; more is exception 3 */
  most_at_once: z.number().default(2_000),
  /** planned requests, `unit table address+quantity` */
  requests: z.array(z.string()),
  /** signal → value */
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()])),
  /** signal → reason of its bad quality */
  reasons: z.record(z.string(), z.string()).default({}),
})

const folder = join(import.meta.dirname, 'cases')

describe('cases', () => {
  it.each(readdirSync(folder))('%s', async (name) => {
    const text = readFileSync(join(folder, name, 'case.yaml'), 'utf8')
    const { about: _, units, most_at_once, requests, values, reasons, ...options } = caseSchema.parse(parse(text))
    const memory = makeSimulatorMemory()
    for (const [unit, tables] of Object.entries(units))
      for (const table of TABLES)
        for (const [address, words] of Object.entries(tables[table] ?? {}))
          memory.set(Number(unit), table, Number(address), words)
    await using simulator = await openModbusSimulator({
      read: (unit, table, from, n) => (n > most_at_once ? { exception: 3 } : memory.read(unit, table, from, n)),
    })
    const { host, port } = simulator
    const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, ...options })

    const planned = describeReads(name, config)
    expect(planned.map((r) => `${r.unit_id} ${r.table} ${r.address}+${r.quantity}`)).toEqual(requests)

    const context = { name, clock: makeClock(), log: silentLog, marks: async () => [] }
    await using source = await openModbusSource(config, context)
    const lines = await source.probe(new AbortController().signal)
    expect(Object.fromEntries(lines.map((l) => [`${l.asset}/${l.signal}`, l.value]))).toEqual(values)
    const bad = lines.filter((l) => l.quality !== 'good')
    expect(Object.fromEntries(bad.map((l) => [`${l.asset}/${l.signal}`, l.reason]))).toEqual(reasons)
  })
})
