import type { Command } from 'commander'

/** Declares `sluice pool …`. @param config the option that names the configuration: flags, help, default */
export function poolCommands(sluice: Command, config: readonly [string, string, string]): void {
  const pool = sluice.command('pool').description('leave a pool, or join it again')
  const name = ['<pool>', 'its name in the configuration'] as const

  pool
    .command('withdraw')
    .description(
      'leave a pool: stop sealing for it, destroy what is queued, and have it delete all that it got; exit 1 while that is not complete',
    )
    .argument(...name)
    .option(...config)
    .option('--yes', 'do it; without, what would be lost is said')
    .option(
      '--json',
      'print {pool, since, withdrawn: [{stream, epoch, contributor, datasets, receipt}], owed, missing, fault}',
    )
    .action(async (of, o) => (await import('./pool.ts')).withdrawFromPool(of, o))
  pool
    .command('join')
    .description('take part again in a pool that was left: sealing begins anew, in another stream')
    .argument(...name)
    .option(...config)
    .option('--json', 'print {pool, joined}')
    .action(async (of, o) => (await import('./pool.ts')).joinPoolAgain(of, o))
}
