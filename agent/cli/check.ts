import { loadConfig } from '../../config/load.ts'
import { type LocatedProblem, problemJson, renderProblems } from '../../config/problem.ts'
import { UNASKABLE } from '../daemon/clock-sense.ts'
import { askKernel } from '../daemon/kernel-clock.ts'
import { type CommonOptions, EXIT_USAGE, printJson } from './common.ts'

/** `sluice check`: every problem of the configuration at once; exit 2 where there is one. Never touches the network. Warnings change nothing about the exit. */
export async function check(options: CommonOptions): Promise<void> {
  const { problems, sources, pools, clock, ...loaded } = loadConfig(options.config)
  const warnings = [...loaded.warnings, ...(await clockWarnings(options.config, clock.trust))]
  const ok = problems.length === 0
  if (!ok) process.exitCode = EXIT_USAGE
  if (options.json) return printJson({ ok, problems: problems.map(problemJson), warnings: warnings.map(problemJson) })
  if (warnings.length > 0) console.error(`${renderProblems(warnings, 'warning: ')}\n`)
  if (!ok) {
    console.error(renderProblems(problems))
    return console.error(`\n${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`)
  }
  console.log(`${options.config}: ok, ${Object.keys(sources).length} sources, ${Object.keys(pools).length} pools`)
}

/** The gateway may be another machine than this one. */
async function clockWarnings(file: string, trust: 'system' | 'ntp'): Promise<readonly LocatedProblem[]> {
  if (trust === 'system' || (await askKernel()) !== null) return []
  const hint = 'on the gateway one of them must be there, or nothing is ever sealed; else write trust: system'
  return [{ file, line: 1, column: 1, path: 'clock.trust', message: UNASKABLE, hint, source: null }]
}
