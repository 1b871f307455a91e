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

const say = (line: string): void => console.error(line)
function print(result: object): void {
  console.log(values.json ? JSON.stringify(result) : result)
}

switch (positionals[0]) {
  case 'plan': {
    print(benchPlan({ quick: values.quick, say }))
    break
  }
  case 'signals': {
    print(await benchSignals({ seconds: values.quick ? 10 : 60, say }))
    break
  }
  case 'modbus': {
    print(await benchModbus({ seconds: values.quick ? 10 : 60, say }))
    break
  }
  case 'mqtt': {
    print(await benchMqtt({ quick: values.quick, say }))
    break
  }
  case 'store': {
    print(await benchStore({ quick: values.quick, say }))
    break
  }
  case 'drain': {
    const readings = values.quick ? 2e6 : 10e6
    print(await benchDrain({ readings, say }))
    break
  }
  case 'soak': {
    const result = await benchSoak({ quick: values.quick, say })
    print(result)
    if (result.problems.length > 0) process.exitCode = 1
    break
  }
  case 'disclose': {
    console.log(JSON.stringify(benchDisclose({ quick: values.quick, say })))
    break
  }
  case 'privacy': {
    const { quick, data, write } = values
    const size = quick ? QUICK : FULL
    const result = benchPrivacy({ size, data, curve: write, say })
    if (write) writeReport(result, join(ROOT, 'docs'))
    console.log(JSON.stringify(result))
    break
  }
  default:
    say(
      'usage: npm run bench -- plan|signals|modbus|mqtt|store|drain|soak|disclose|privacy [--quick] [--json] [--data DIR] [--write]',
    )
    process.exitCode = 2
}
