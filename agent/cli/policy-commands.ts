import { type Command, Option } from 'commander'
import { CARD_LANGUAGES } from '../../privacy/card-text.ts'
import { duration } from './arguments.ts'

/** Declares `sluice policy …`. @param config the option that names the configuration: flags, help, default */
export function policyCommands(sluice: Command, config: readonly [string, string, string]): void {
  const policy = sluice.command('policy').description('what the disclosure policies say, for the data steward')
  const pool = ['--pool <name>', 'only the policy of this pool'] as const
  const draft = ['--policy <file>', 'look at this file in the place of the configured policy'] as const
  const json = '--json'

  policy
    .command('check')
    .description(
      'say everything that is wrong with the policies and their contracts, with line and column; else what leaves, column by column, and what stays inside',
    )
    .option(...config)
    .option(...pool)
    .option(...draft)
    .option('--bench', 'also try attacks on the readings of the data folder; exit 1 where the policy expects better')
    .option('--last <duration>', 'with --bench, readings of this long are tried', duration, 7 * 86_400_000)
    .option(
      json,
      'print {ok, problems: [{file, line, column, path, message, hint}], policies: [{file, pool, profile, expires, hash, contract, assets, datasets, withheld, trial}]}',
    )
    .action(async (o) => (await import('./policy-check.ts')).checkPolicy(o))
  policy
    .command('diff')
    .description(
      'say line by line what another policy would change: LOOSER, TIGHTER or CHANGED; exit 1 unless all is tighter',
    )
    .argument('<other>', 'policy file to compare with the configured one')
    .option(...config)
    .option(...pool)
    .option(...draft)
    .option('--old', 'OTHER is the older one: say what the configured policy has changed')
    .option(json, 'print {from, to, changes: [{kind, where, what, before, after}]}')
    .action(async (other, o) => (await import('./policy-diff.ts')).diffPolicy(other, o))
  policy
    .command('card')
    .description('the policy on one page, in plain words')
    .option(...config)
    .option(...pool)
    .option(...draft)
    .addOption(new Option('--lang <language>', 'English, Korean or Japanese').choices(CARD_LANGUAGES).default('en'))
    .option(
      '--names',
      'also name the signals that stay inside, and the hash of the policy: for readers inside the plant',
    )
    .option(json, 'print [{language, title, sections: [{title, items: [{text, under}]}]}]')
    .action(async (o) => (await import('./policy-card.ts')).showCard(o))
  policy
    .command('explain')
    .description(
      'how a column comes about, step by step, why the profile allows it, and what a reader can learn from it',
    )
    .argument('<column>', 'DATASET.COLUMN')
    .option(...config)
    .option(...pool)
    .option(...draft)
    .option(json, 'print {pool, profile, dataset, column, …, sources, steps, floors, can, cannot}')
    .action(async (column, o) => (await import('./policy-explain.ts')).explainPolicyColumn(column, o))
}
