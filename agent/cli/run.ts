import { pino } from 'pino'
import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { makeClock } from '../../core/clock.ts'
import { startAgent } from '../daemon/agent.ts'
import { bootId } from '../daemon/boot-id.ts'
import { type CommonOptions, EXIT_FAILED, EXIT_USAGE, version } from './common.ts'

/** After a stop signal the agent has this long (ms) to drain before it is cut. */
const DRAIN = 4_500

/** `sluice run`: collects, publishes and delivers until SIGTERM or SIGINT; a second signal cuts the drain. */
export async function run(options: CommonOptions & { readonly logLevel: string }): Promise<void> {
  const loaded = loadConfig(options.config)
  if (loaded.problems.length > 0) console.error(renderProblems(loaded.problems))
  if (!loaded.gateway || !loaded.buffer) {
    process.exitCode = EXIT_USAGE
    return
  }
  const log = pino({ level: options.logLevel, base: null })
  function cutDrain(): void {
    setTimeout(() => {
      log.warn({}, 'the drain took too long and was cut; what was durable stays')
      process.exit(EXIT_FAILED)
    }, DRAIN).unref()
  }
  const stopped = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        cutDrain() // from here on, so that a start that hangs is cut too
        resolve()
        process.once(name, () => process.exit(EXIT_FAILED))
      })
    }
  })
  const agent = await startAgent({ loaded, clock: makeClock(1, Date.now(), bootId()), log, version: version() })
  const failure = await Promise.race([stopped, agent.failed])
  if (failure) {
    log.error({ err: failure }, 'sluice cannot go on')
    cutDrain()
  }
  await agent[Symbol.asyncDispose]()
  process.exit(failure ? EXIT_FAILED : 0) // a connection that was just being tried must not hold up the end
}
