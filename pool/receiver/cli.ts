import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { pino } from 'pino'
import { Fault } from '../../core/fault.ts'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import { loadSetup } from './config.ts'
import { type ImportReport, importFolder } from './import.ts'
import { openParts } from './parts.ts'
import type { PoolReport } from './report.ts'
import { openReceiver } from './server.ts'

/** The command line of `sluice-pool`. Exit codes: 0 done, 1 failed, 2 usage or configuration. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('sluice-pool').description('Reference receiver of sealed batches')
  program.exitOverride((error) => {
    throw error
  })
  program
    .command('serve')
    .description('receive batches until SIGTERM or SIGINT, then print what came')
    .requiredOption('--config <file>', 'configuration of the receiver')
    .option('--json', 'one JSON object a line')
    .action(serve)
  program
    .command('import')
    .description(
      'take what directory pools left in a folder; nothing in it is changed, and doing it twice does no harm',
    )
    .argument('<dir>', 'a medium, or a folder with what came from several')
    .requiredOption('--config <file>', 'configuration of the receiver, which must not be running')
    .option('--json', 'print {stored, known, buried, withdrawn, refused: [{file, problem, detail}], missing, damaged}')
    .action(importCommand)
  program
    .command('keys')
    .description('keys of the pool')
    .command('new')
    .argument('<file>', 'file to make; never overwritten')
    .description('make a key that receipts are signed with, and print its public half')
    .option('--json', 'print JSON')
    .action(newKey)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof Fault) {
    console.error(error.line)
    return error.fate === 'refuses' || error.fate === 'waits' ? 2 : 1
  }
  const { code, exitCode, message } = error as { code?: string; exitCode?: number; message?: string }
  if (code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2
  if (code === undefined) throw error
  console.error(`${message}`) // the system says why: EADDRINUSE, EACCES
  return 1
}

async function serve(options: { readonly config: string; readonly json?: true }): Promise<void> {
  const setup = loadSetup(options.config)
  const log = pino({ base: null }, pino.destination(2))
  const stop = AbortSignal.any([signalled('SIGTERM'), signalled('SIGINT')])
  await using receiver = await openReceiver(setup, log)
  const pools = [...setup.pools.keys()].join(', ')
  console.log(
    options.json
      ? JSON.stringify({ listening: receiver.url })
      : `sluice-pool listens at ${receiver.url} for ${pools}; receipts are signed by ${setup.receipt_key.id}`,
  )
  if (!stop.aborted) await once(stop, 'abort')
  for (const of of receiver.report()) console.log(options.json ? JSON.stringify({ report: of }) : renderReport(of))
}

async function importCommand(dir: string, options: { readonly config: string; readonly json?: true }): Promise<void> {
  const setup = loadSetup(options.config)
  using parts = openParts(setup, pino({ base: null, level: 'error' }, pino.destination(2)))
  const report = await importFolder(dir, setup.pools, parts)
  console.log(options.json ? JSON.stringify(report) : renderImport(report))
  if (report.refused.length + report.missing.length + report.damaged.length > 0) process.exitCode = 1
}

function renderImport({ stored, known, buried, withdrawn, refused, missing, damaged }: ImportReport): string {
  return [
    `${stored} batches stored, ${known} known before, ${buried} given up by their plants`,
    ...(withdrawn > 0 ? [`${withdrawn} streams withdrawn by their plants`] : []),
    ...refused.map(({ file, problem, detail }) => `  refused  ${file}: ${detail} (${problem})`),
    ...damaged.map((file) => `  damaged  ${file}: it is not as it was written; copy it again from the medium`),
    ...missing.map((file) => `  missing  ${file}: the list of its volume names it; copy it from the medium`),
  ].join('\n')
}

function signalled(name: 'SIGTERM' | 'SIGINT'): AbortSignal {
  const controller = new AbortController()
  process.once(name, () => controller.abort())
  return controller.signal
}

function renderReport({ pool, contributors, withdrawn, rejected }: PoolReport): string {
  const refusals = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([problem, n]) => `, refused ${n} (${problem})`)
      .join('')
  const lines = contributors.flatMap((c) => [
    `  ${c.contributor}: ${c.rows} rows${c.overlaps.length > 0 ? `, ${c.overlaps.length} overlaps` : ''}${refusals(c.rejected)}`,
    ...c.streams.map(
      (s) =>
        `    ${s.dataset} ${s.stream}: ${s.batches} batches, last ${s.last_seq}, ${s.gaps.length} gaps, ${s.tombstones.length} given up by the plant`,
    ),
  ])
  const gone = withdrawn.map((w) => `  withdrawn ${w.withdrawn}: stream ${w.stream}, ${w.batches} batches`)
  return [`${pool}: ${contributors.length} contributors${refusals(rejected)}`, ...lines, ...gone].join('\n')
}

function newKey(file: string, options: { readonly json?: true }): void {
  const text = newSigningKey()
  const { id } = parseSigningKey(text)
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new Fault('file-exists', { file }, 'the file is there already', { cause })
  }
  console.log(options.json ? JSON.stringify({ file, public: id }) : `receipt_key: "${id}"`)
}
