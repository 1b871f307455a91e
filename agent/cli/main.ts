import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { Fault } from '../../core/fault.ts'
import { duration } from './arguments.ts'
import { auditCommands } from './audit-commands.ts'
import { bufferCommands } from './buffer-commands.ts'
import { EXIT_FAILED, EXIT_USAGE, version } from './common.ts'
import { keysCommands } from './keys-commands.ts'
import { outboxCommands } from './outbox-commands.ts'
import { policyCommands } from './policy-commands.ts'
import { poolCommands } from './pool-commands.ts'

/**
 * `sluice`: parses the command line and runs one command. Each command's code is loaded only when it is called.
 * Sets the exit code: 0 done, 1 failed, 2 usage or configuration.
 */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE // commander has said what is wrong
    } else if (error instanceof Fault) {
      console.error(`sluice: ${error.line}`)
      process.exitCode = error.fate === 'refuses' ? EXIT_USAGE : EXIT_FAILED
    } else throw error
  }
}

function program(): Command {
  const sluice = new Command('sluice')
    .description(
      'collects Modbus and MQTT sensor values without loss, and discloses to a shared pool only what a policy allows',
    )
    .version(version())
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
  const config = '-c, --config <file>'
  const configHelp = 'configuration file'
  const configDefault = process.env.SLUICE_CONFIG ?? '/etc/sluice/sluice.yaml'
  const json = '--json'

  sluice
    .command('run')
    .description('collect, publish and deliver until stopped')
    .option(config, configHelp, configDefault)
    .addOption(
      new Option('--log-level <level>', 'how much to log').choices(['error', 'warn', 'info', 'debug']).default('info'),
    )
    .action(async (o) => (await import('./run.ts')).run(o))
  sluice
    .command('check')
    .description('say everything that is wrong with the configuration, with line and column; never touches the network')
    .option(config, configHelp, configDefault)
    .option(json, 'print {ok, problems: [{file, line, column, path, message, hint}], warnings: [the same]}')
    .action(async (o) => (await import('./check.ts')).check(o))
  sluice
    .command('plan')
    .description(
      'print the Modbus requests that will be made, the time and load expected of them, and the MQTT topics subscribed to',
    )
    .option(config, configHelp, configDefault)
    .option(json, 'print [{source, unit_id, table, address, quantity, signals}]')
    .action(async (o) => (await import('./plan.ts')).plan(o))
  sluice
    .command('probe')
    .description(
      'read every source once and show the decoded values; goes through the running agent where there is one',
    )
    .argument('[source]', 'only this source')
    .option(config, configHelp, configDefault)
    .option(
      '--explain <signal>',
      'show the registers of one Modbus signal in every type and byte order, and what to write',
    )
    .option('--reads <n>', 'with --explain: how often they are read, a second apart', count, 3)
    .option('--cost', 'time short and long reads of one Modbus source, 72 at most, and print the `cost` to configure')
    .option(
      '--scan <host[:port]>',
      'find unit ids and what they let read at a Modbus/TCP device or gateway; reads only',
    )
    .option('--units <range>', 'with --scan: unit ids to ask', range(255), [1, 247])
    .addOption(
      new Option('--table <name...>', 'with --scan: tables to look into')
        .choices(['holding', 'input', 'coil', 'discrete'])
        .default(['holding']),
    )
    .option('--range <range>', 'with --scan: addresses on the wire, from 0', range(65_535), [0, 999])
    .option('--rate <n>', 'with --scan: requests a second at most, 100 the most', rate, 5)
    .option('--timeout <duration>', 'with --scan: how long each answer is waited for', duration, 1_000)
    .option('--propose', 'listen at the MQTT brokers and print subscriptions for what is not configured yet, as YAML')
    .option('--topic <filter...>', "with --propose: listen on these filters, such as '#', instead of those configured")
    .option('--listen <duration>', 'how long MQTT messages are waited for at most', duration, 10_000)
    .option(json, 'print [{source, device, asset, signal, value, quality, reason, unit, raw, propose?}]')
    .action(async (source, o) =>
      o.scan !== undefined
        ? (await import('./probe-scan.ts')).scanDevice(o)
        : o.explain !== undefined
          ? (await import('./probe-explain.ts')).explainSignal(source, o)
          : o.cost
            ? (await import('./probe-cost.ts')).probeCost(source, o)
            : o.propose || o.topic
              ? (await import('./propose.ts')).proposeSignals(source, { ...o, topic: o.topic ?? [] })
              : (await import('./probe.ts')).probe(source, o),
    )
  sluice
    .command('preview')
    .description('show, signal by signal, what would leave the plant, on recent readings, and what is withheld and why')
    .option(config, configHelp, configDefault)
    .option('--pool <name>', 'only this pool')
    .option('--policy <file>', 'look at this file in the place of the configured policy')
    .option('--last <duration>', 'readings of this long are shown', duration, 6 * 3_600_000)
    .option('--signal <id...>', 'draw these signals, asset/name')
    .option('--html <file>', 'write all of it as one page that needs nothing else; it holds raw readings')
    .option(json, 'print [{pool, gate, signals, facts, recent: {from, until, readings, charts, batches, accounts}}]')
    .action(async (o) => (await import('./preview.ts')).preview(o))
  sluice
    .command('status')
    .description('accounts, outages, rates, disk and delivery of the running agent, or of its data folder')
    .option(config, configHelp, configDefault)
    .option('--check', 'exit 1 while an alarm is open, an account does not add up, or no agent runs')
    .option(json, 'print it as JSON')
    .action(async (o) => (await import('./status.ts')).status(o))
  sluice
    .command('clock')
    .description('whether the running agent trusts the clock; `trust` says that it is right, after a step not believed')
    .addArgument(new Argument('[act]', 'what to do').choices(['show', 'trust']).default('show'))
    .option(config, configHelp, configDefault)
    .option(json, 'print {now, trusted, doubt}')
    .action(async (act, o) => (await import('./clock.ts')).clock(act, o))
  sluice
    .command('bench')
    .description(
      'try attacks on what recent readings become, and measure what is left to learn from it; exit 1 where the policy expects better',
    )
    .option(config, configHelp, configDefault)
    .option('--pool <name>', 'only this pool')
    .option('--policy <file>', 'try this file in the place of the configured policy')
    .option('--last <duration>', 'readings of this long are tried', duration, 7 * 86_400_000)
    .option(json, 'print [{pool, file, from, until, readings, result, gates: [{name, bound, limit, measured, met}]}]')
    .action(async (o) => (await import('./bench.ts')).bench(o))
  policyCommands(sluice, [config, configHelp, configDefault])
  outboxCommands(sluice, [config, configHelp, configDefault])
  bufferCommands(sluice, [config, configHelp, configDefault])
  auditCommands(sluice, [config, configHelp, configDefault])
  poolCommands(sluice, [config, configHelp, configDefault])
  const profile = sluice.command('profile').description('register maps of devices, by name')
  const output = '-o, --output <file>'
  profile
    .command('list')
    .description('the register maps that come with Sluice')
    .option(json, 'print [{name, signals, about}]')
    .action(async (o) => (await import('./profile.ts')).listProfiles(o))
  profile
    .command('show')
    .description('what a profile is for, which documents it was taken from, and its signals')
    .argument('<profile>', 'name, or path of a file')
    .option(json, 'print {name, file, about, sources, notes, device, signals}')
    .action(async (name, o) => (await import('./profile.ts')).showProfile(name, o))
  profile
    .command('import')
    .description('make a profile from a CSV register map; says what is wrong by row and column')
    .argument('<map.csv>', 'a line of headers, then one signal a line')
    .option(output, 'write it there instead of printing it; never overwritten')
    .option('--base <n>', 'number of the first register in the column `address`, 0 or 1')
    .option('--encoding <name>', 'utf-8, utf-16le, utf-16be, shift_jis, euc-kr or windows-1252; found out where absent')
    .action(async (file, o) => (await import('./profile.ts')).importProfile(file, o))
  profile
    .command('export')
    .description('write the signals of a profile as a CSV register map, which `import` reads back')
    .argument('<profile>', 'name, or path of a file')
    .option(output, 'write it there, for spreadsheets, instead of printing it; never overwritten')
    .option('--separator <char>', '"," or ";" or "tab"', ',')
    .action(async (name, o) => (await import('./profile.ts')).exportProfile(name, o))
  keysCommands(sluice, [config, configHelp, configDefault])
  sluice
    .command('demo')
    .description('a whole plant on this machine, without hardware: simulated PLCs, broker, agent and pool')
    .option('--seconds <n>', 'end after this many seconds, with a summary')
    .option('--speed <n>', 'how many times as fast as real time the plant lives', '300')
    .option('--keep <folder>', 'leave the files in this folder instead of a temporary one')
    .option(json, 'print the summary as one JSON line')
    .action(async (o) => (await import('../demo/demo.ts')).demo(o))
  return sluice
}

function count(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1 to 99.')
  return Number(text)
}

/** Parses `1-247` or `5`, up to a number. */
function range(most: number): (text: string) => readonly [number, number] {
  return (text) => {
    const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
    const [first, last] = [Number(m?.[1]), Number(m?.[2] ?? m?.[1])]
    if (!m || first > last || last > most)
      throw new InvalidArgumentError(`Write a first and a last number up to ${most}, such as 1-20.`)
    return [first, last]
  }
}

function rate(text: string): number {
  const n = Number(text)
  if (!(n > 0 && n <= 100)) throw new InvalidArgumentError('Write requests a second, above 0 and up to 100.')
  return n
}
