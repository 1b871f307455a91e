import { parseArgs } from 'node:util'
import { proveKill } from './kill.ts'

/**
 * `npm run prove -- NAME [--quick] [--json]`: proofs that are too long for the test suite. Progress goes to stderr; with
 * `--json` the last line is one JSON object. Exit 1 where a proof fails, 2 for a wrong call.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    kills: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})

switch (positionals[0]) {
  case 'kill': {
    const kills = Number(values.kills ?? (values.quick ? 8 : 30))
    const result = await proveKill({ kills, seed: Number(values.seed), say: (line) => console.error(line) })
    const { lost, doubled, ledger_ok } = result
    console.log(values.json ? JSON.stringify(result) : result)
    if (lost > 0 || doubled > 0 || !ledger_ok) process.exitCode = 1
    break
  }
  default:
    console.error('usage: npm run prove -- kill [--kills N] [--seed N] [--quick] [--json]')
    process.exitCode = 2
}
