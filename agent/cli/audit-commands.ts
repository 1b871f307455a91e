import { type Command, Option } from 'commander'
import { AUDIT_KINDS } from '../../core/audit.ts'
import { instant, whole } from './arguments.ts'

/** Declares `sluice audit …`. @param config the option that names the configuration: flags, help, default */
export function auditCommands(sluice: Command, config: readonly [string, string, string]): void {
  const audit = sluice.command('audit').description('the transparency log: of the running agent, or of its data folder')
  const json = '--json'

  audit
    .command('list')
    .description(
      'what was sealed, delivered, refused, dropped and withdrawn, and what happened to gates and keys, oldest first',
    )
    .option(...config)
    .option('--pool <name>', 'only of this pool')
    .addOption(new Option('--kind <kind...>', 'only of these kinds').choices(AUDIT_KINDS))
    .option('--since <time>', 'from this time on, such as 2026-06-01T06:00:00Z', instant)
    .option('--limit <n>', 'the newest so many', whole, 200)
    .option(json, 'print the leaves: [{n, at, kind, pool, …}]')
    .action(async (o) => (await import('./audit.ts')).listAudit(o))
  audit
    .command('verify')
    .description(
      'follow the whole chain, hold it against checkpoints and receipts, say what that proves; exit 1 where it was altered',
    )
    .option(...config)
    .option('--checkpoints <folder>', 'copies of checkpoints; those of the configuration where absent')
    .option('--receipts <file>', 'receipts that the pool holds, one JSON a line: each must be in the log')
    .option('--export <file>', 'verify what `audit export` wrote, without configuration or data folder')
    .option(
      '--key <key>',
      "the audit key's public half, as it is known elsewhere: ed25519:…; without it an export vouches for itself alone",
    )
    .option(
      json,
      'print {ok, problems, first, size, hash, checkpoints, incomparable, signed, held, keys, self_vouched, receipts, states}',
    )
    .action(async (o) => (await import('./audit.ts')).verifyAudit(o))
  audit
    .command('export')
    .description('the whole log as JSON lines, with its checkpoints and public key, for whoever verifies it elsewhere')
    .option(...config)
    .option(json, 'the same: it is JSON anyway')
    .action(async (o) => (await import('./audit.ts')).exportAudit(o))
}
