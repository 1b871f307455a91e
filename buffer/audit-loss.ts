import type { AuditHead } from '../core/audit.ts'
import { makeChain } from '../core/audit-chain.ts'
import type { Salvaged } from './salvage.ts'
import type { Tables } from './tables.ts'

/** Leaves read at a time. */
const STRIDE = 256

/**
 * A log that lost leaves, with a damaged database or one that is older than its high-water file, says so itself, and goes on
 * behind all that it ever had: what is missing stays visible, and no place is given to two leaves. Callers bring the transaction.
 * @param found.told how far it had come by the high-water file
 */
export function noteLostLeaves(
  { audit }: Tables,
  found: {
    readonly told: AuditHead | undefined
    readonly salvaged: Salvaged | undefined
    readonly now: number
  },
): void {
  const { told, salvaged, now } = found
  const { size } = audit.head()
  const isBehind = told !== undefined && told.size > 0 && audit.hashAt(told.size - 1) !== told.hash
  const { breaks, taken } = salvaged ? followed(audit) : { breaks: 0, taken: size }
  const expected = Math.max(size, told?.size ?? 0, audit.signedSize())
  const batches = salvaged?.batches ?? 0
  if (!isBehind && expected === size && breaks === 0 && batches === 0) return
  audit.append({ kind: 'damaged', left: taken, breaks, expected, batches }, now, expected)
}

/** How much of the chain is there, and where it does not hold. */
function followed(audit: Tables['audit']): { readonly breaks: number; readonly taken: number } {
  const chain = makeChain()
  for (let from = 0; ; ) {
    const leaves = audit.leaves(from, STRIDE)
    for (const leaf of leaves) chain.take(leaf)
    if (leaves.length < STRIDE) return { breaks: chain.breaks().length, taken: chain.taken }
    from = chain.size
  }
}
