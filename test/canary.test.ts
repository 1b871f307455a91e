import { expect, it } from 'vitest'
import { proveCanary } from './prove/canary/canary.ts'
import { findLibmodbus } from './support/libmodbus.ts'
import { findMosquitto } from './support/mosquitto.ts'

const installed = (await findMosquitto()) !== undefined && (await findLibmodbus()) !== undefined

it.runIf(installed)(
  'no name, host, key, text or raw value of the plant is in any byte that leaves, in any form',
  async () => {
    const said: string[] = []
    const result = await proveCanary({ batches: 2, seed: 1, say: (line) => said.push(line) })
    expect(result, said.join('\n')).toMatchObject({ found: 0, planted_found: result.planted })
    expect(result.bytes_scanned).toBeGreaterThan(100_000)
  },
  120_000,
)
