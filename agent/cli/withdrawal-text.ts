import type { Withdrawal, WithdrawalStatus } from '../../buffer/pool-end-port.ts'

/** How far a withdrawal is, in words that claim no more than is known. */
export function renderWithdrawn({ owed, done, ordered }: Omit<WithdrawalStatus, 'since'>): string {
  if (owed + done === 0)
    return 'no stream is known that was sealed for it: what an earlier data folder delivered the pool still has, ask its operator'
  const count = `streams withdrawn: ${done} of ${owed + done}`
  return ordered === 0
    ? count
    : `${count}, ${ordered} of them only ordered: the order lies in the folder, and is done once the pool has read it`
}

/** Batches that were delivered and that no receipt counts; 0 where that cannot be told yet, or not at all since no pool answers. */
export function missingFromReceipts({ streams }: Pick<Withdrawal, 'streams'>, delivered: number): number {
  let counted = 0
  for (const { receipt } of streams) {
    if (receipt?.kind !== 'signed') return 0
    counted += receipt.batches
  }
  return streams.length === 0 ? 0 : Math.max(0, delivered - counted)
}
