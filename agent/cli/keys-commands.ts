import type { Command } from 'commander'

/** Declares `sluice keys …`. @param config the option that names the configuration: flags, help, default */
export function keysCommands(sluice: Command, config: readonly [string, string, string]): void {
  const keys = sluice.command('keys').description('make, rotate and destroy keys')
  keys
    .command('new')
    .description('write a new key file (0600): `plant` for pseudonyms, `signing` for the account with a pool')
    .argument('<kind>', 'plant or signing')
    .argument('<file>', 'where to write it; never overwritten')
    .option('--json', 'print {kind, file, public}')
    .action(async (kind, file, o) => (await import('./keys.ts')).newKey(kind, file, o))
  keys
    .command('rotate')
    .description(
      'put a new key in the place of one: `signing` keeps the old one beside it for withdrawal, `audit` does not',
    )
    .argument('<kind>', 'signing or audit')
    .argument('[file]', 'the signing key; that of data_dir for audit')
    .option(...config)
    .option('--json', 'print {kind, file, before, after, kept}')
    .action(async (kind, file, o) => (await import('./rotate-key.ts')).rotateKey(kind, file, o))
  keys
    .command('destroy')
    .description('overwrite and remove a plant key for good, after saying what that means')
    .argument('<kind>', 'plant')
    .argument('<file>', 'the key')
    .option(...config)
    .option('--yes', 'do it; without, what would be lost is said')
    .option('--json', 'print {file, pools}')
    .action(async (kind, file, o) => (await import('./destroy-key.ts')).destroyKey(kind, file, o))
}
