import type { Estimate } from '../../attack/estimate.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { formatDuration } from '../../core/option.ts'
import { figuresOf, type Gate, judge } from '../trial/gates.ts'
import { type RecentTrial, tryRecent } from '../trial/recent.ts'
import type { TrialResult } from '../trial/trial.ts'
import { openBuffer } from './buffer.ts'
import { EXIT_FAILED, formatTime, printJson, table } from './common.ts'
import { factsOf, openPolicies, type PolicyFile, type PolicyOptions, sealableOf } from './policy-files.ts'

export interface BenchOptions extends PolicyOptions {
  /** ms of readings to try it on */
  readonly last: number
}

/** A policy that was tried on what lies in the data folder. */
export interface Tried {
  readonly pool: string
  readonly file: string
  /** null: nothing is stored yet */
  readonly trial: RecentTrial | null
  readonly gates: readonly Gate[]
}

/**
 * `sluice bench`: attacks on what recent readings become by each policy, and what is left to learn from it. Exit 1 where
 * the policy expects better. Nothing is stored, charged or sent.
 */
export async function bench(options: BenchOptions): Promise<void> {
  const { loaded, policies } = openPolicies(options, 'look')
  for (const policy of policies) factsOf(policy)
  const tried = await tryPolicies(loaded, policies, options)
  if (tried.some(({ gates }) => gates.some(({ met }) => !met))) process.exitCode = EXIT_FAILED
  if (options.json) return printJson(tried.map(tryJson))
  console.log(tried.map(renderTried).join('\n\n'))
}

/** Tries the policies that have no problems on recent readings. */
export async function tryPolicies(
  loaded: LoadedConfig,
  policies: readonly PolicyFile[],
  options: BenchOptions,
): Promise<readonly Tried[]> {
  using buffer = await openBuffer(undefined, options)
  const tried: Tried[] = []
  for (const { pool, file, result } of policies) {
    if (!buffer || result.kind === 'bad') continue
    const sealable = sealableOf(pool, result.loaded, loaded)
    const trial = (await tryRecent(buffer.desk, sealable, options.last)) ?? null
    tried.push({ pool, file, trial, gates: judge(result.loaded.policy.expect, trial?.result ?? NOTHING) })
  }
  return tried
}

const NOTHING: TrialResult = {
  trace_linkage: null,
  traffic_auc: null,
  volume_exact: null,
  correlation_shift: null,
  coverage: null,
}

/** What is measured, in words. */
const MEASURED: Readonly<Record<keyof TrialResult, string>> = {
  trace_linkage: 'machine days found again by a shift of their raw readings',
  traffic_auc: 'busy hours told from quiet ones by size or moment of batches (0.5: not at all)',
  volume_exact: 'windows whose exact number of parts their rate gives away',
  correlation_shift: 'largest move of a correlation',
  coverage: 'cells that are there',
}

export function tryJson({ pool, file, trial, gates }: Tried): object {
  return { pool, file, ...(trial ?? { from: null, until: null, readings: 0, result: null }), gates }
}

export function renderTried({ pool, file, trial, gates }: Tried): string {
  if (!trial) return `${file}, for the pool ${pool}: no readings are stored to try it on${renderGates(gates)}`
  const { from, until, readings, result } = trial
  const figures = figuresOf(result)
  const rows = (Object.keys(MEASURED) as (keyof TrialResult)[]).map((name) => [
    `  ${name}`,
    figures[name] === null ? 'nothing to measure it on' : figures[name].toFixed(3),
    intervalOf(result[name]),
    MEASURED[name],
  ])
  const span = formatDuration(Math.round((until - from) / 60_000) * 60_000)
  return (
    [
      `${file}, for the pool ${pool}: ${readings} readings of ${span}, ${formatTime(from)} to ${formatTime(until)}`,
      table(rows),
      '  Attackers are the best that are known here: what they find is a lower bound. Few days make wide intervals.',
    ].join('\n') + renderGates(gates)
  )
}

function intervalOf(found: TrialResult[keyof TrialResult]): string {
  if (found === null || typeof found === 'number' || !('lo' in found)) return ''
  const { lo, hi, n, baseline }: Estimate = found
  return `${lo.toFixed(2)} to ${hi.toFixed(2)} (n ${n}, guessing ${baseline.toPrecision(2)})`
}

function renderGates(gates: readonly Gate[]): string {
  return gates
    .map(({ name, bound, limit, measured, met }) => {
      const found = measured === null ? 'could not be measured' : `is ${measured.toFixed(3)}`
      return `\n  ${met ? 'met' : 'NOT MET'}: ${name} ${found}, expected ${bound === 'max' ? 'at most' : 'at least'} ${limit}`
    })
    .join('')
}
