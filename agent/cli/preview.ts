import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs'
import { databasePath } from '../../buffer/database.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { makeCard } from '../../privacy/card.ts'
import { CARD_LANGUAGES } from '../../privacy/card-text.ts'
import { describePolicy } from '../../privacy/facts.ts'
import { previewRecent, type RecentView } from '../preview/recent.ts'
import type { SealablePolicy } from '../preview/recent-log.ts'
import type { PoolPreview } from '../preview/view.ts'
import { openBuffer } from './buffer.ts'
import { EXIT_USAGE, printJson } from './common.ts'
import { openPolicies, type PolicyFile, type PolicyOptions, sealableOf } from './policy-files.ts'
import { explainSignals } from './policy-signals.ts'

export interface PreviewOptions extends PolicyOptions {
  /** where to write the page */
  readonly html?: string
  /** ms of readings to show */
  readonly last: number
  /** only these signals are drawn in the terminal */
  readonly signal?: readonly string[]
}

/**
 * `sluice preview`: for each pool, signal by signal, what it becomes or why it is withheld, on the readings of the data
 * folder. With `--html` as a page. Nothing is stored, charged or sent.
 */
export async function preview(options: PreviewOptions): Promise<void> {
  if (options.html !== undefined) refuseForeign(options.html)
  const { loaded, policies } = openPolicies(options, 'look')
  if (loaded.problems.length > 0) process.exitCode = EXIT_USAGE
  const shown: PoolPreview[] = []
  for (const policy of policies) shown.push(await previewPool(policy, loaded, options))
  if (shown.some(({ gate }) => gate === 'shut')) process.exitCode = EXIT_USAGE
  if (options.html !== undefined) {
    const { renderPage } = await import('../preview/page.ts')
    // It holds raw readings.
    writeFileSync(options.html, renderPage(shown, makeClock().now()), { mode: 0o600 })
    if (!options.json) console.log(`written to ${options.html}; it holds raw readings and stays in the plant`)
  }
  if (options.json) return printJson(shown.map(jsonOf))
  if (options.html === undefined) {
    const { renderPreview } = await import('../preview/terminal.ts')
    console.log(shown.map((pool) => renderPreview(pool, options.signal ?? [])).join('\n\n'))
  }
}

async function previewPool(
  { pool, result }: PolicyFile,
  loaded: LoadedConfig,
  options: PreviewOptions,
): Promise<PoolPreview> {
  if (result.kind === 'bad') {
    console.error(renderProblems(result.problems))
    const { file, line, column, message } = result.problems[0]!
    return { pool, gate: 'shut', reason: `${file}:${line}:${column}: ${message}` }
  }
  const facts = describePolicy(result.loaded)
  const signals = explainSignals(result.loaded.plan, loaded)
  const withheld = signals.filter((one) => one.withheld !== null).map(({ signal }) => signal)
  return {
    ...{ pool, gate: 'open', facts, signals },
    cards: CARD_LANGUAGES.map((language) => makeCard(facts, withheld, language)),
    recent: await recentOf(sealableOf(pool, result.loaded, loaded), loaded, options),
  }
}

/** Where there is no data folder, or one that may not be read, all but the readings can still be shown. */
async function recentOf(
  policy: SealablePolicy,
  loaded: LoadedConfig,
  options: PreviewOptions,
): Promise<RecentView | { readonly absent: string }> {
  const nothing = { absent: 'There are no readings to show yet: nothing is stored in the data folder.' }
  if (!loaded.gateway) return nothing
  try {
    using buffer = await openBuffer(undefined, options)
    return (buffer && (await previewRecent(buffer.desk, policy, options.last))) ?? nothing
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { data_dir } = loaded.gateway
    if (!existsSync(databasePath(data_dir)))
      return {
        absent: `There are no readings to show yet: no agent has run with ${data_dir}, or this user may not see it.`,
      }
    return { absent: `There are no readings to show: ${error.line}` }
  }
}

function refuseForeign(file: string): void {
  if (existsSync(file) && !isPreview(file))
    throw new Fault('file-exists', { file }, 'exists already, and is no earlier preview')
}

function isPreview(file: string): boolean {
  const head = Buffer.alloc(4_096)
  const fd = openSync(file, 'r')
  try {
    return head.toString('utf8', 0, readSync(fd, head)).includes('content="sluice preview"')
  } finally {
    closeSync(fd)
  }
}

/** Drawings are for people; figures are for programs. */
function jsonOf(pool: PoolPreview): object {
  if (pool.gate === 'shut') return { ...pool, signals: [] }
  const { facts, cards: _, recent, ...rest } = pool
  if ('absent' in recent) return { ...rest, facts, recent: null }
  const charts = recent.charts.map(({ raw: _, ...chart }) => chart)
  return { ...rest, facts, recent: { ...recent, charts } }
}
