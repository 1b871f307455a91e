import type { StoreStatus } from './port.ts'

/** The identities of promise 1 that a status breaks, one line each; empty where every reading and batch is accounted for. */
export function accountProblems(status: Pick<StoreStatus, 'pools'>): readonly string[] {
  return Object.entries(status.pools).flatMap(([pool, { accounts: a, batches: b }]) => {
    const readings = a.pending + a.disclosed + total(a.withheld) + total(a.evicted)
    const batches = b.queued + b.delivered + b.quarantined + b.dropped
    return [
      ...(readings === a.accepted ? [] : [`pool ${pool}: ${a.accepted} readings accepted, ${readings} accounted for`]),
      ...(batches === b.sealed ? [] : [`pool ${pool}: ${b.sealed} batches sealed, ${batches} accounted for`]),
    ]
  })
}

/** Whether accepted = pending + disclosed + withheld + evicted and sealed = queued + delivered + quarantined + dropped. */
export function accountsAddUp(status: Pick<StoreStatus, 'pools'>): boolean {
  return accountProblems(status).length === 0
}

function total(account: Readonly<Record<string, number>>): number {
  return Object.values(account).reduce((sum, n) => sum + n, 0)
}
