import { nearest } from '../../config/nearest.ts'
import { Fault } from '../../core/fault.ts'
import { formatDuration } from '../../core/option.ts'
import type { SignalSpec } from '../../core/signal.ts'
import { type ColumnWords, explainColumn } from '../../privacy/column-words.ts'
import type { ColumnFacts, PolicyFacts } from '../../privacy/facts.ts'
import { printJson, table } from './common.ts'
import { sourceText } from './policy-check.ts'
import { factsOf, openPolicies, type PolicyOptions } from './policy-files.ts'

/** `sluice policy explain DATASET.COLUMN`: how a column comes about, why the profile allows it, what a reader can learn. */
export function explainPolicyColumn(named: string, options: PolicyOptions): void {
  const { loaded, policies } = openPolicies(options, 'look')
  const read = policies.map(factsOf)
  if (read.includes(undefined)) return
  const found = read.flatMap((one) => (one ? columnsNamed(named, one.facts) : []))
  const [column, ...others] = found
  if (!column)
    throw new Fault(
      'usage',
      {},
      unknownText(
        named,
        read.flatMap((one) => (one ? allOf(one.facts) : [])),
      ),
    )
  if (others.length > 0)
    throw new Fault('usage', {}, `"${named}" are several: ${found.map(nameOf).join(', ')}; or name the --pool`)
  const { facts } = read.find((one) => one?.facts.datasets.some(({ columns }) => columns.includes(column)))!
  const signals = Object.values(loaded.sources).flatMap((source) => (source.kind === 'ok' ? source.plan.signals : []))
  const signalOf = (id: string): SignalSpec | undefined => signals.find((signal) => signal.id === id)
  const words = explainColumn(column, signalOf)
  if (options.json) printJson({ pool: facts.pool, profile: facts.profile, ...column, ...words })
  else console.log(renderExplained(facts, column, words, signalOf))
}

function columnsNamed(named: string, facts: PolicyFacts): readonly ColumnFacts[] {
  return allOf(facts).filter((column) => named === nameOf(column) || named === column.column)
}

function allOf({ datasets }: PolicyFacts): readonly ColumnFacts[] {
  return datasets.flatMap(({ columns }) => columns)
}

function nameOf({ dataset, column }: ColumnFacts): string {
  return `${dataset}.${column}`
}

function unknownText(named: string, columns: readonly ColumnFacts[]): string {
  const names = columns.map(nameOf)
  const meant =
    nearest(named, names) ??
    nearest(
      named,
      columns.map(({ column }) => column),
    )
  return `no rule of the policy makes a column "${named}": ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`
}

function renderExplained(
  { pool, profile }: PolicyFacts,
  column: ColumnFacts,
  { steps, floors, can, cannot }: ColumnWords,
  signalOf: (id: string) => SignalSpec | undefined,
): string {
  const { accepted_risk, cells_an_hour, bits_an_hour } = column
  const list = (texts: readonly string[]): readonly string[] => texts.map((text) => `  - ${text}`)
  return [
    `${nameOf(column)} of the pool ${pool}: ${column.meaning}`,
    `at most ${cells_an_hour} cells and ${Math.ceil(bits_an_hour)} bits an hour`,
    '',
    'made of',
    table(
      column.sources.map(({ asset, signals }) => [
        `  ${asset}`,
        sourceText({ sources: [{ asset, signals }] }),
        signals.map((id) => signalText(signalOf(id))).join(' ÷ '),
      ]),
    ),
    '',
    'in this order',
    table(steps.map(({ step, text }, i) => [`  ${i + 1} ${step}`, text])),
    '',
    `why the profile ${profile} allows it`,
    table(
      floors.map(({ what, is, least, met }) => [
        `  ${what}`,
        is,
        `at least ${least}`,
        met ? '' : 'finer: see the accepted risk',
      ]),
    ),
    accepted_risk === null ? '  no risk is accepted' : `  risk accepted: ${accepted_risk}`,
    '',
    'what a reader can learn from it',
    ...list(can),
    'what a reader cannot learn from it',
    ...list(cannot),
  ].join('\n')
}

function signalText(signal: SignalSpec | undefined): string {
  if (!signal) return 'as a broker brings it'
  const { type, unit, cadence, source } = signal
  const often =
    cadence.kind === 'periodic'
      ? `every ${formatDuration(cadence.every)}`
      : cadence.kind === 'on_change'
        ? `on change, at least every ${formatDuration(cadence.heartbeat)}`
        : 'as it comes'
  return [type, unit, often, `from ${source}`].filter((text) => text !== undefined).join(' ')
}
