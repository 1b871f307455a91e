import type { StoreStatus } from '../../buffer/port.ts'
import type { PoolDelivery } from '../daemon/status.ts'
import { formatAge, formatBytes, formatTime } from './common.ts'

type PoolStatus = StoreStatus['pools'][string]

/** Refused batches that a status names; `sluice outbox list` has all. */
const MOST_REFUSED = 5

/** Lines of a status about the delivery to one pool. @param delivery absent where no agent runs */
export function renderDelivery(pool: PoolStatus, delivery: PoolDelivery | undefined, now: number): readonly string[] {
  return [
    ...(delivery ? [`  delivery  ${inWords(delivery, pool, now)}`] : []),
    `            ${lastSuccess(pool, now)}${queueInWords(pool, now)}`,
    ...(delivery?.backlog ?? []).map(({ dataset, behind_ms, fresh_in_ms }) => {
      const when = fresh_in_ms === null ? 'not in sight at the pace of now' : `in about ${formatAge(fresh_in_ms)}`
      return `  backlog   ${dataset} is sealed up to ${formatAge(behind_ms)} ago, the rest waits as readings; fresh again ${when}`
    }),
    ...(pool.owed > 0 ? [`  owed      the pool was not told yet of ${pool.owed} of the dropped`] : []),
    ...pool.quarantined.slice(0, MOST_REFUSED).map((q) => `  refused   ${q.dataset} ${q.id}: ${q.message}`),
    ...(pool.quarantined.length > MOST_REFUSED ? ['            and more: sluice outbox list --state quarantined'] : []),
  ]
}

function inWords(d: PoolDelivery, pool: PoolStatus, now: number): string {
  const next = d.next_in_ms === null ? '' : `, next attempt in ${formatAge(d.next_in_ms)}`
  const why = d.fault ? `: ${d.fault.message} (${d.fault.hint})` : ''
  const tries = d.attempts > 0 ? `, ${d.attempts} ${d.attempts === 1 ? 'attempt' : 'attempts'}` : ''
  const since = ` since ${formatTime(d.since)}`
  const opens = d.next_in_ms === null ? '' : ` until ${formatTime(Math.round((now + d.next_in_ms) / 1_000) * 1_000)}`
  switch (d.state) {
    case 'idle':
      return 'nothing to deliver'
    case 'sending':
      return d.attempts > 0 ? `trying again${tries}${since}${why}` : 'delivering'
    case 'retrying':
      return d.attempts > 0
        ? `retrying${next}${tries}${since}${why}`
        : `delivering; what is left has failed alone and rests${next}`
    case 'holding':
      return `holding${next}${tries}${since}${why}`
    case 'waiting':
      return d.waiting_for === 'window'
        ? `waiting for the window${opens}`
        : `waiting: the budget of the day is spent (${formatBytes(Object.values(pool.sent).at(-1) ?? 0)})${opens}`
    case 'closed':
      return `closed by the pool${since}${why}`
  }
}

function lastSuccess({ delivered_at }: PoolStatus, now: number): string {
  if (delivered_at === null) return 'nothing delivered yet'
  return `last delivered ${formatTime(delivered_at)}, ${formatAge(now - delivered_at)} ago`
}

function queueInWords({ queued }: PoolStatus, now: number): string {
  const all = Object.values(queued)
  if (all.length === 0) return ''
  const batches = all.reduce((sum, queue) => sum + queue.batches, 0)
  const bytes = all.reduce((sum, queue) => sum + queue.bytes, 0)
  const oldest = Math.min(...all.map((queue) => queue.oldest))
  return `; ${batches} ${batches === 1 ? 'batch waits' : 'batches wait'}, ${formatBytes(bytes)}, the oldest from ${formatAge(now - oldest)} ago`
}
