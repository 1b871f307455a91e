import { loadOf, milliseconds, percent, type SourceLoad } from '../../adapters/modbus/load.ts'
import { describeReads } from '../../adapters/modbus/plan.ts'
import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { formatDuration } from '../../core/option.ts'
import { type CommonOptions, EXIT_USAGE, printJson, table } from './common.ts'

/** `sluice plan`: the requests that each device will see, what they cost it, and the topics subscribed to. */
export function plan(options: CommonOptions): void {
  const loaded = loadConfig(options.config)
  if (loaded.problems.length > 0) {
    console.error(renderProblems(loaded.problems))
    process.exitCode = EXIT_USAGE
  }
  const sources = Object.entries(loaded.sources).flatMap(([name, source]) =>
    source.kind === 'ok' ? [[name, source.config] as const] : [],
  )
  const reads = sources.flatMap(([name, config]) => (config.kind === 'modbus' ? describeReads(name, config) : []))
  if (options.json) return printJson(reads.map(({ period: _, ...read }) => read))

  const rows = reads.map((r) => [
    r.source,
    `unit ${r.unit_id}`,
    `every ${formatDuration(r.period)}`,
    r.table,
    r.quantity === 1 ? String(r.address) : `${r.address}–${r.address + r.quantity - 1}`,
    `${r.quantity} ${r.table === 'holding' || r.table === 'input' ? 'registers' : 'bits'}`,
    r.signals.join(', '),
  ])
  if (sources.length === 0) return
  if (rows.length > 0) console.log(table(rows))
  for (const [name, config] of sources)
    for (const [device, { signals }] of config.kind === 'modbus' ? Object.entries(config.devices) : [])
      if (Object.keys(signals).length === 0)
        console.log(`${name}  ${device}  no signals yet: \`sluice probe ${name}\` shows them`)
  for (const [name, config] of sources) {
    if (config.kind !== 'mqtt') continue
    for (const s of config.subscriptions)
      console.log(`${name}  ${s.topic}  QoS ${s.qos}  ${Object.keys(s.signals).join(', ')}`)
  }
  const loads = sources.flatMap(([name, config]) => (config.kind === 'modbus' ? [loadOf(name, config)] : []))
  printLoads(loads)
  const perSecond = reads.reduce((sum, r) => sum + 1_000 / r.period, 0)
  console.log(`${reads.length} requests, ${perSecond.toFixed(1)} a second`)
  for (const warning of loads.flatMap((load) => load.warnings)) console.error(`sluice: ${warning}`)
}

/** What each device is asked for, and how busy its connection is. */
function printLoads(loads: readonly SourceLoad[]): void {
  const rows = loads.flatMap(({ cycles, load }) =>
    cycles.map((c, i) => [
      c.source,
      c.device,
      formatDuration(c.period),
      String(c.requests),
      String(c.registers),
      String(c.bits),
      milliseconds(c.cycle_ms),
      percent(c.load),
      i === 0 ? percent(load) : '',
    ]),
  )
  if (rows.length === 0) return
  const head = ['source', 'device', 'every', 'requests', 'registers', 'bits', 'cycle', 'load', 'connection']
  console.log(`\nexpected, by the cost of reading (\`cost\`)\n${table([head, ...rows])}\n`)
}
