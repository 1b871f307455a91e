import { pino } from 'pino'
import { startAgent } from '../../agent/daemon/agent.ts'
import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { makeClock } from '../../core/clock.ts'

/**
 * `sluice run` with an accelerated clock that every restart shares: `agent-process.ts CONFIG SPEED ORIGIN`.
 * Only the clock differs from the real program.
 */
const [config = '', speed = '1', origin = '0'] = process.argv.slice(2)
const loaded = loadConfig(config)
if (loaded.problems.length > 0) console.error(renderProblems(loaded.problems))
await using agent = await startAgent({
  loaded,
  clock: makeClock(Number(speed), Number(origin)),
  log: pino({ level: 'warn', base: null }),
  version: 'proof',
})
console.log('up')
await Promise.race([new Promise((resolve) => process.once('SIGTERM', resolve)), agent.failed])
