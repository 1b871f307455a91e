import { expect, it } from 'vitest'
import { proveNetwork } from './prove/network.ts'
import { findLibmodbus } from './support/libmodbus.ts'
import { findMosquitto } from './support/mosquitto.ts'

const installed = (await findMosquitto()) !== undefined && (await findLibmodbus()) !== undefined

it.runIf(installed)(
  'the pool has every row once, whatever the network does to a delivery',
  async () => {
    const said: string[] = []
    const result = await proveNetwork({ faults: 13, seed: 1, say: (line) => said.push(line) })
    expect(result, said.join('\n')).toMatchObject({ faults: 13, lost: 0, doubled: 0, ledger_ok: true })
    expect(Object.values(result.met)).toEqual(Array(13).fill(1))
  },
  300_000,
)
