import { accountsAddUp } from '../../buffer/accounts.ts'
import type { WithdrawalStatus } from '../../buffer/pool-end-port.ts'
import { readStatus } from '../../buffer/read-status.ts'
import { formatDuration } from '../../core/option.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import type { AgentStatus } from '../daemon/status.ts'
import {
  type CommonOptions,
  EXIT_FAILED,
  formatBytes,
  formatTime,
  loadWithGateway,
  printJson,
  some,
  table,
  unlessAbsent,
  version,
} from './common.ts'
import { renderDelivery } from './delivery-text.ts'
import { renderWithdrawn } from './withdrawal-text.ts'

const DAY = 86_400_000
/** So long before a policy expires it is said (ms). */
const EXPIRY_WARNING = 30 * DAY

/**
 * `sluice status`: asks the running agent, or reads the data folder while none runs. With `--check` the exit code is 1
 * while an alarm is open, commits fail, an account does not add up, or no agent runs: what a health check wants.
 */
export async function status(options: CommonOptions & { readonly check?: boolean }): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const socket = socketPath(loaded.gateway.data_dir, loaded.control?.socket)
  const running = (await unlessAbsent(askAgent(socket, 'status'))) as AgentStatus | undefined
  const found = running ?? stopped(loaded.gateway)
  if (options.check && !isWell(found)) process.exitCode = EXIT_FAILED
  if (options.json) printJson(found)
  else console.log(renderStatus(found))
}

/** What a health check asks. */
export function isWell({ store, trouble, ledger_ok, running }: AgentStatus): boolean {
  return running && ledger_ok && !trouble && store.alarms.every((alarm) => alarm.until !== null)
}

function stopped(gateway: { readonly name: string; readonly data_dir: string }): AgentStatus {
  const store = readStatus(gateway.data_dir, Date.now())
  return {
    version: version(),
    gateway: gateway.name,
    running: false,
    now: Date.now(),
    uptime_s: 0,
    rss_mb: 0,
    readings_per_s: 0,
    waiting: 0,
    trouble: null,
    written_gb_per_day: 0,
    forecast: { kind: 'unknown' },
    sources: {},
    gates: {},
    delivery: {},
    store,
    ledger_ok: accountsAddUp(store),
  }
}

/** The status in words, for a person. */
export function renderStatus(s: AgentStatus): string {
  const { store } = s
  const state = s.running
    ? `running for ${formatDuration(Math.floor(s.uptime_s) * 1_000)}, ${s.readings_per_s.toFixed(1)} readings/s, ${s.rss_mb.toFixed(0)} MB`
    : 'no agent runs; this is what its data folder holds'
  const parts = [`${s.gateway}: ${state}`]

  const sources = Object.entries(s.sources).map(([name, x]) => [
    `  ${name}`,
    x.kind,
    x.state,
    `${x.readings_per_s.toFixed(1)}/s`,
    x.fault ? `${x.fault.message} (${x.fault.hint})` : counters(x.counters),
  ])
  if (sources.length > 0) parts.push(`sources\n${table(sources)}`)

  const lessons = Object.entries(s.sources).flatMap(([name, { lessons = [] }]) =>
    lessons.map((l) => [`  ${name} / ${l.device}`, l.text, some(l.signals)]),
  )
  if (lessons.length > 0) parts.push(`learnt from devices\n${table(lessons)}`)

  for (const [name, pool] of Object.entries(store.pools)) parts.push(renderPool(name, pool, s))

  const outages = store.outages
    .slice(0, 20)
    .map((o) => [
      `  ${[o.source, o.device, o.signal].filter((x) => x !== null).join(' / ')}`,
      o.reason,
      `from ${formatTime(o.from)}`,
      o.until === null ? 'still' : `to ${formatTime(o.until)}`,
    ])
  if (outages.length > 0) parts.push(`outages (open, and of the last day)\n${table(outages)}`)
  const counts = store.counts.filter((c) => c.n > 0).map((c) => [`  ${c.source}`, c.kind, c.reason, String(c.n)])
  if (counts.length > 0) parts.push(`before acceptance\n${table(counts)}`)
  const { disk } = store
  const perDay = s.running ? `, ${s.written_gb_per_day.toFixed(2)} GB a day written` : ''
  parts.push(
    `disk\n  ${formatBytes(disk.file_bytes + disk.wal_bytes)} of ${formatBytes(disk.max_bytes)}: raw ${formatBytes(disk.raw_bytes)}, outbox ${formatBytes(disk.outbox_bytes)}${perDay}${fullIn(s.forecast)}${freeOf(disk)}`,
  )
  const { trouble } = s
  const now = trouble
    ? [['  commits', trouble.code, trouble.message, `since ${formatTime(trouble.since)}: ${trouble.hint}`]]
    : []
  const alarms = store.alarms
    .filter((a) => a.until === null)
    .map((a) => [`  ${a.key}`, a.code, a.message, `since ${formatTime(a.since)}`])
    .concat(now)
  if (alarms.length > 0) parts.push(`ALARMS\n${table(alarms)}`)
  return parts.join('\n\n')
}

function renderPool(name: string, pool: AgentStatus['store']['pools'][string], s: AgentStatus): string {
  const { accounts: a, batches: b } = pool
  const gate = s.gates[name]
  const reasons = (account: Readonly<Record<string, number>>): string => {
    const total = Object.values(account).reduce((sum, n) => sum + n, 0)
    const detail = Object.entries(account).map(([reason, n]) => `${reason} ${n}`)
    return detail.length > 0 ? `${total} (${detail.join(', ')})` : String(total)
  }
  const lines = [
    `pool ${name}`,
    ...(pool.withdrawn ? [`  left      ${leaving(pool.withdrawn)}`] : []),
    ...(pool.retired && !pool.withdrawn ? [`  retired   ${retirement(pool.retired)}`] : []),
    ...(gate
      ? [
          `  gate      ${gate.state}${gate.fault ? `: ${gate.fault.message} (${gate.fault.hint})` : expiring(gate, s.now)}`,
        ]
      : []),
    `  readings  ${a.accepted} accepted = ${a.pending} pending + ${a.disclosed} disclosed + ${reasons(a.withheld)} withheld + ${reasons(a.evicted)} evicted`,
    `  batches   ${b.sealed} sealed = ${b.queued} queued + ${b.delivered} delivered + ${b.quarantined} quarantined + ${reasons(pool.dropped)} dropped`,
  ]
  lines.push(...renderDelivery(pool, s.delivery[name], s.now))
  return lines.join('\n')
}

/** When the buffer will be full, in words. */
function fullIn(forecast: AgentStatus['forecast']): string {
  switch (forecast.kind) {
    case 'unknown':
      return ''
    case 'never':
      return ', never full at today’s rate'
    case 'fills': {
      const { hours } = forecast
      if (hours === 0) return ', FULL'
      return `, full in ${hours < 72 ? `${hours.toFixed(hours < 10 ? 1 : 0)} h` : `${Math.floor(hours / 24)} days`} at today’s rate`
    }
  }
}

/** What the disk leaves, where that is less than it should be. */
function freeOf({ free_bytes, min_free_bytes }: AgentStatus['store']['disk']): string {
  return free_bytes < min_free_bytes ? `; only ${formatBytes(free_bytes)} free on the disk` : ''
}

function retirement({ since }: { readonly since: number | null }): string {
  const from = since === null ? '' : ` since ${formatTime(since)}`
  return `not in the configuration, or closed by the pool${from}: nothing new is accepted for it, what it holds stays for max_age`
}

/** A policy that is about to expire, in words. */
function expiring({ expires }: { readonly expires: number | null }, now: number): string {
  if (expires === null || expires - now > EXPIRY_WARNING) return ''
  const days = Math.max(0, Math.floor((expires - now) / DAY))
  return `; THE POLICY EXPIRES on ${formatTime(expires)}, in ${days} days: have the data steward renew it`
}

function leaving(withdrawn: WithdrawalStatus): string {
  return `by \`sluice pool withdraw\` since ${formatTime(withdrawn.since)}; ${renderWithdrawn(withdrawn)}`
}

function counters(all: Readonly<Record<string, number>>): string {
  return Object.entries(all)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')
}
