import { expect, it } from 'vitest'
import { proveKill } from './prove/kill.ts'
import { findLibmodbus } from './support/libmodbus.ts'
import { findMosquitto } from './support/mosquitto.ts'

const installed = (await findMosquitto()) !== undefined && (await findLibmodbus()) !== undefined

it.runIf(installed)(
  'loses and doubles nothing when agent, pool and broker are killed at random moments',
  async () => {
    const said: string[] = []
    const result = await proveKill({ kills: 40, longest_ms: 500, seed: 1, say: (line) => said.push(line) })
    expect(result, said.join('\n')).toMatchObject({ kills: 40, lost: 0, doubled: 0, ledger_ok: true })
    expect(result.accepted).toBeGreaterThan(100)
    expect(Math.min(...Object.values(result.killed))).toBeGreaterThan(0)
  },
  600_000,
)
