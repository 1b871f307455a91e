import { parseArgs } from 'node:util'
import { proveCanary } from './canary/canary.ts'
import { proveDamage } from './damage/damage.ts'
import { isFlat, proveFlap } from './flap.ts'
import { MOST_GROWTH_MB, proveFuzz } from './fuzz.ts'
import { proveKill } from './kill.ts'
import { proveNetwork } from './network.ts'
import { FALSE_ALARM, proveNoise } from './noise.ts'
import { provePowercut } from './powercut/powercut.ts'

/**
 * `npm run prove -- NAME [--quick] [--json]`: proofs that are too long for the test suite. Progress goes to stderr; with
 * `--json` the last line is one JSON object. Exit 1 where a proof fails, 2 for a wrong call. The script in package.json
 * gives Node the flags of the deployment (deploy/sluice.service): a nursery of the usual size alone takes 15 MB and more
 * of garbage, and V8 takes it only at its start.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    kills: { type: 'string' },
    faults: { type: 'string' },
    states: { type: 'string' },
    files: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})

const seed = Number(values.seed)
const say = (line: string): void => console.error(line)
function print(result: object): void {
  console.log(values.json ? JSON.stringify(result) : result)
}

switch (positionals[0]) {
  case 'kill': {
    const kills = Number(values.kills ?? (values.quick ? 8 : 30))
    const result = await proveKill({ kills, longest_ms: 1_800, seed, say })
    const { lost, doubled, ledger_ok } = result
    print(result)
    if (lost > 0 || doubled > 0 || !ledger_ok) process.exitCode = 1
    break
  }
  case 'network': {
    const faults = Number(values.faults ?? (values.quick ? 40 : 400))
    const result = await proveNetwork({ faults, seed, say })
    print(result)
    if (result.lost > 0 || result.doubled > 0 || !result.ledger_ok) process.exitCode = 1
    break
  }
  case 'fuzz': {
    const n = values.quick ? 10_000 : 100_000
    const result = await proveFuzz({ frames: n, payloads: n, seed, say })
    print(result)
    const { crashes, wrong_readings, rss_growth_mb } = result
    if (crashes > 0 || wrong_readings > 0 || rss_growth_mb > MOST_GROWTH_MB) process.exitCode = 1
    break
  }
  case 'flap': {
    const reconnects = values.quick ? 1_000 : 10_000
    const result = await proveFlap({ reconnects, seed, say })
    print(result)
    if (!isFlat(result)) process.exitCode = 1
    break
  }
  case 'powercut': {
    const states = Number(values.states ?? (values.quick ? 300 : 5_000))
    const result = await provePowercut({ states, messages: 1_500, seed, say })
    print(result)
    const { lost, doubled, failed_starts, control_found } = result
    if (lost > 0 || doubled > 0 || failed_starts > 0 || control_found === 0) process.exitCode = 1
    break
  }
  case 'canary': {
    const batches = values.quick ? 3 : 30
    const result = await proveCanary({ batches, seed, say })
    print(result)
    if (result.found > 0 || result.planted_found < result.planted) process.exitCode = 1
    break
  }
  case 'damage': {
    const files = Number(values.files ?? (values.quick ? 44 : 1_000))
    const result = proveDamage({ files, seed, say })
    print(result)
    const { failed_starts, accounted, wrong, resealed } = result
    if (failed_starts > 0 || accounted < 1 || wrong > 0 || resealed > 0) process.exitCode = 1
    break
  }
  case 'noise': {
    const scale = values.quick ? 0.1 : 1
    const result = proveNoise({ draws: 12e6 * scale, outputs: 300_000 * scale, restores: 30 * scale, say })
    print(result)
    const { p_value, float_attack_certain, redraws_after_restore, control_certain, control_redraws } = result
    const isFound = control_certain > 0 && control_redraws > 0
    if (p_value < FALSE_ALARM || float_attack_certain > 0 || redraws_after_restore > 0 || !isFound) process.exitCode = 1
    break
  }
  default:
    say(
      'usage: npm run prove -- kill|powercut|network|damage|canary|fuzz|flap|noise [--kills N] [--states N] [--faults N] [--files N] [--seed N] [--quick] [--json]',
    )
    process.exitCode = 2
}
