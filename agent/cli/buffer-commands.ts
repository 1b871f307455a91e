import { type Command, Option } from 'commander'
import { instant } from './arguments.ts'

/** Declares `sluice buffer …`. @param config the option that names the configuration: flags, help, default */
export function bufferCommands(sluice: Command, config: readonly [string, string, string]): void {
  const buffer = sluice
    .command('buffer')
    .description('the raw readings: of the running agent, of its data folder, or of a file that was set aside')
  const file = ['[file]', 'another file, such as one that was set aside'] as const
  const json = '--json'

  buffer
    .command('inspect')
    .description('what is in it: readings by signal, times, pools, batches, files that were set aside')
    .argument(...file)
    .option(...config)
    .option(json, 'print {running, blocks, readings, from, until, signals, batches, set_aside, pools, disk}')
    .action(async (path, o) => (await import('./buffer.ts')).inspectBuffer(path, o))
  buffer
    .command('verify')
    .description('read every block and batch, recompute the accounts from them; exit 1 with one line a problem')
    .argument(...file)
    .option(...config)
    .option(json, 'print {ok, readings, blocks, batches, problems}')
    .action(async (path, o) => (await import('./buffer.ts')).verifyBuffer(path, o))
  buffer
    .command('repair')
    .description(
      'without a file: set a damaged buffer aside and salvage it, as a start does, while no agent runs; with one: salvage it into a new file',
    )
    .argument(...file)
    .option(...config)
    .option('-o, --output <file>', 'with a file: where the new one goes; FILE.repaired where absent')
    .option(json, 'print {readings, found, problems}, or with a file {file, blocks, readings, missing, batches_lost}')
    .action(async (path, o) => (await import('./buffer-repair.ts')).repairBuffer(path, o))
  buffer
    .command('export')
    .description('raw readings to stdout, for use inside the plant: no policy has looked at them')
    .argument(...file)
    .option(...config)
    .addOption(new Option('--format <format>', 'CSV, or a JSON object a line').choices(['csv', 'jsonl']).default('csv'))
    .option('--json', 'the same as --format jsonl')
    .option('--from <time>', 'readings from this time on, such as 2026-06-01T06:00:00Z', instant)
    .option('--to <time>', 'readings before this time', instant)
    .option('--signal <id...>', 'only these signals, asset/name')
    .option('--pending <pool>', 'only what still waits for this pool')
    .action(async (path, o) =>
      (await import('./buffer-export.ts')).exportBuffer(path, { ...o, format: o.json ? 'jsonl' : o.format }),
    )
}
