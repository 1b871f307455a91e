import { type Command, Option } from 'commander'
import { BATCH_STATES } from '../../core/batch.ts'
import { whole } from './arguments.ts'

/** Declares `sluice outbox …`. @param config the option that names the configuration: flags, help, default */
export function outboxCommands(sluice: Command, config: readonly [string, string, string]): void {
  const outbox = sluice
    .command('outbox')
    .description('sealed batches that are not delivered: of the running agent, or of its data folder')
  const pool = ['--pool <name>', 'only of this pool'] as const
  const json = '--json'
  const all = ['--all', 'all that match, instead of named ones'] as const
  const state = (text: string): Option => new Option('--state <state...>', text).choices(BATCH_STATES)
  const ids = ['[batch...]', 'ids, as `list` shows them'] as const

  outbox
    .command('list')
    .description('batches, newest first, with pool, state, slots, age, size, attempts in vain and the reason')
    .option(...config)
    .option(...pool)
    .addOption(state('only in these states; queued and quarantined where absent'))
    .option('--limit <n>', 'so many at most', whole, 200)
    .option(
      json,
      'print [{id, pool, dataset, state, stream, epoch, seq, rows, from, until, size, sealed_at, settled_at, attempts, reason, message, held}]',
    )
    .action(async (o) => (await import('./outbox.ts')).listOutbox(o))
  outbox
    .command('show')
    .description('where a batch stands, what its file says of itself, its columns and first rows')
    .argument('<batch>', 'id, as `list` shows it')
    .option(...config)
    .option('--rows <n>', 'so many rows at most', whole, 3)
    .option(json, 'print {entry, file: {sha256, signature, key, manifest, columns, rows, first}, problem}')
    .action(async (id, o) => (await import('./outbox.ts')).showOutbox(id, o))
  outbox
    .command('retry')
    .description('queue quarantined batches again, and have a running agent try every pool now')
    .argument(...ids)
    .option(...config)
    .option(...pool)
    .option(...all)
    .option(json, 'print {retried: [id]}')
    .action(async (named, o) => (await import('./outbox.ts')).retryOutbox(named, o))
  outbox
    .command('export')
    .description('write sealed files and their signatures into a folder; they stay in the outbox')
    .argument(...ids)
    .requiredOption('--to <folder>', 'where to write them; the folder must be there')
    .option(...config)
    .option(...pool)
    .addOption(state('with --all: only in these states; queued and quarantined where absent'))
    .option(...all)
    .option(json, 'print {exported: [id], folder}')
    .action(async (named, o) => (await import('./outbox.ts')).exportOutbox(named, o))
  outbox
    .command('drop')
    .description('give batches up for good: their rows never reach the pool, and the ledger says so')
    .argument(...ids)
    .requiredOption('--reason <text>', 'why; it stays beside the batch')
    .option('--yes', 'do it; without, what would be lost is shown')
    .option(...config)
    .option(...pool)
    .addOption(state('with --all: only in these states'))
    .option(...all)
    .option(json, 'print {dropped: [id]}')
    .action(async (named, o) => (await import('./outbox.ts')).dropOutbox(named, o))
}
