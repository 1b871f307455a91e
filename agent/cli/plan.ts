import { describeReads } from '../../adapters/modbus/plan.ts'
import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { formatDuration } from '../../core/option.ts'
import { type CommonOptions, EXIT_USAGE, printJson, table } from './common.ts'

/** `sluice plan`: the requests that each device will see, one a line, and the topics subscribed to. */
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
  const perSecond = reads.reduce((sum, r) => sum + 1_000 / r.period, 0)
  console.log(`${reads.length} requests, ${perSecond.toFixed(1)} a second`)
}
