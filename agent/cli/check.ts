import { loadConfig } from '../../config/load.ts'
import { problemJson, renderProblems } from '../../config/problem.ts'
import { type CommonOptions, EXIT_USAGE, printJson } from './common.ts'

/** `sluice check`: every problem of the configuration at once; exit 2 where there is one. Opens files only. Warnings change nothing about the exit. */
export function check(options: CommonOptions): void {
  const { problems, warnings, sources, pools } = loadConfig(options.config)
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
