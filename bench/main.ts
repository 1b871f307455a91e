import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchDisclose } from './disclose.ts'
import { benchDrain } from './drain.ts'
import { benchModbus } from './modbus.ts'
import { benchMqtt } from './mqtt.ts'
import { benchPlan } from './plan.ts'
import { benchPrivacy, FULL, QUICK } from './privacy/privacy.ts'
import { writeReport } from './privacy/report.ts'
import { benchSignals } from './signals.ts'
import { benchSoak } from './soak.ts'
import { benchStore } from './store.ts'

/**
 * `npm run bench -- NAME [--quick] [--json]`: measurements on this machine. Progress goes to stderr; with `--json` the
 * last line is one JSON object. Exit 1 where a promise of the soak is broken, 2 for a wrong call.
 * `disclose` and `privacy` always print JSON; `privacy` reads public data sets from `--data DIR` (default: ../shared/data
 * beside the project), and with `--write` writes its report into docs/.
 */
const ROOT = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'data') },
    write: { type: 'boolean', default: false },
  },
})

switch (positionals[0]) {
  case 'plan': {
    const result = benchPlan({ quick: values.quick, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'signals': {
    const result = await benchSignals({ seconds: values.quick ? 10 : 60, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'modbus': {
    const result = await benchModbus({ seconds: values.quick ? 10 : 60, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'mqtt': {
    const result = await benchMqtt({ quick: values.quick, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'store': {
    const result = await benchStore({ quick: values.quick, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'drain': {
    const readings = values.quick ? 2e6 : 10e6
    const result = await benchDrain({ readings, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    break
  }
  case 'soak': {
    const result = await benchSoak({ quick: values.quick, say: (line) => console.error(line) })
    console.log(values.json ? JSON.stringify(result) : result)
    if (result.problems.length > 0) process.exitCode = 1
    break
  }
  case 'disclose': {
    const result = benchDisclose({ quick: values.quick, say: (line) => console.error(line) })
    console.log(JSON.stringify(result))
    break
  }
  case 'privacy': {
    const { quick, data, write } = values
    const size = quick ? QUICK : FULL
    const result = benchPrivacy({ size, data, curve: write, say: (line) => console.error(line) })
    if (write) writeReport(result, join(ROOT, 'docs'))
    console.log(JSON.stringify(result))
    break
  }
  default:
    console.error(
      'usage: npm run bench -- plan|signals|modbus|mqtt|store|drain|soak|disclose|privacy [--quick] [--json]',
    )
    process.exitCode = 2
}
