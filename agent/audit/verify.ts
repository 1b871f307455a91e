import { type ChainBreak, makeChain } from '../../core/audit-chain.ts'
import { verifyReceipt, type WireReceipt } from '../../uplink/signature.ts'
import { type Checkpoint, isSigned, readCheckpoint } from './checkpoint.ts'
import { type AuditKeyRotated, isRotationSigned } from './rotation.ts'

/** What a check of a log found. */
export interface AuditFindings {
  readonly ok: boolean
  /** what is not as it was written, one line each */
  readonly problems: readonly string[]
  /** places of the first leaf and behind the last one */
  readonly first: number
  readonly size: number
  /** hash of the last leaf */
  readonly hash: string
  /** checkpoints that the log agrees with: that came with it, and that were held elsewhere */
  readonly checkpoints: { readonly here: number; readonly elsewhere: number }
  /** the others: they end within leaves that were given up, so nothing is left that they could agree with */
  readonly incomparable: number
  /** the last of them, here or elsewhere, and elsewhere; null: none */
  readonly signed: Vouched | null
  readonly held: Vouched | null
  /** keys that signed them */
  readonly keys: readonly string[]
  /** the key was taken from the log itself: nothing but the log says that it is the gateway's */
  readonly self_vouched: boolean
  /** the pools' signatures of receipts in the log that were verified, and that no pinned key fits */
  readonly receipts: { readonly verified: number; readonly unknown: number }
}

/** Leaves that a checkpoint vouches for: from `from` on nothing breaks the chain, up to the `size` that it was signed at (RFC 3339). */
export interface Vouched {
  readonly from: number
  readonly size: number
  readonly at: string
}

/** Where a checkpoint was found. */
export type Origin = 'here' | 'elsewhere'

/** Checks a log: checkpoints first, then its leaves in order, then what else is held. Pure. */
export interface AuditCheck {
  checkpoint(text: string, origin: Origin): void
  leaf(text: string): void
  /** a pool's receipt that was kept elsewhere */
  receipt(receipt: WireReceipt): void
  findings(): AuditFindings
}

/**
 * @param input.key the audit key's public half as it is known elsewhere, or as the data folder has it; keys that a leaf
 * `key_rotated`, signed by both, leads to from there are believed too. Absent: that of the first checkpoint
 * @param input.receiptKeys pinned keys of the pools, by pool
 */
export function makeAuditCheck(input: {
  readonly key: string | undefined
  readonly receiptKeys: ReadonlyMap<string, string>
}): AuditCheck {
  const chain = makeChain()
  const problems: string[] = []
  const checkpoints: { readonly checkpoint: Checkpoint; readonly origin: Origin }[] = []
  /** hash of the leaves that checkpoints end with, by their number */
  const wanted = new Map<number, string | undefined>()
  /** signed by both keys */
  const rotations: AuditKeyRotated[] = []
  /** places behind which the log says itself that leaves were lost */
  const noted = new Set<number>()
  const delivered = new Set<string>()
  const receipts = { verified: 0, unknown: 0 }

  function checkReceipt(
    pool: string,
    { kind: _, ...receipt }: WireReceipt & { readonly kind: 'signed' },
    n: number,
  ): void {
    const key = input.receiptKeys.get(pool)
    if (key !== receipt.kid) receipts.unknown++
    else if (verifyReceipt(receipt, key)) receipts.verified++
    else problems.push(`leaf ${n}: the receipt in it is not signed by the pool`)
  }

  function checkRotation(leaf: AuditKeyRotated & { readonly n: number }): void {
    if (isRotationSigned(leaf)) rotations.push(leaf)
    else
      problems.push(
        `leaf ${leaf.n}: another audit key took the place of ${leaf.before}, and the two did not sign that: audit.key was lost, or somebody brought another`,
      )
  }

  function believed(): ReadonlySet<string> {
    const [first] = checkpoints
    const keys = new Set([input.key ?? first?.checkpoint.kid ?? ''])
    for (let before = -1; before !== keys.size; ) {
      before = keys.size
      for (const { before: old, after } of rotations) if (keys.has(old) || keys.has(after)) keys.add(old).add(after)
    }
    return keys
  }

  /** Its last leaf is not here any more: it proves nothing of those that are. */
  function isIncomparable(size: number): boolean {
    return size <= chain.first
  }

  function problemOf(
    { checkpoint, origin }: (typeof checkpoints)[number],
    keys: ReadonlySet<string>,
  ): string | undefined {
    const { size, hash, at, kid } = checkpoint
    const what = `checkpoint of ${size} leaves, signed ${at}${origin === 'elsewhere' ? ', held elsewhere' : ''}`
    if (!isSigned(checkpoint)) return `${what}: its signature is not that of the key it names`
    if (!keys.has(kid))
      return `${what}: its key ${kid} is not the audit key of this log, which was begun anew, or the checkpoint is of another log`
    if (size > chain.size) return `${what}: the log has ${chain.size} leaves: its end was cut off`
    const found = wanted.get(size)
    if (isIncomparable(size)) return undefined
    if (found === undefined) return `${what}: the leaf that it ends with is missing`
    return found === hash ? undefined : `${what}: leaves before it were altered, or the log was written anew`
  }

  function last(right: readonly { readonly checkpoint: Checkpoint }[]): Vouched | null {
    const [newest] = right.map(({ checkpoint }) => checkpoint).sort((a, b) => b.size - a.size)
    if (!newest) return null
    const { size, at } = newest
    const from = chain.breaks().map(placeBehind)
    return { from: Math.max(chain.first, ...from.filter((n) => n <= size)), size, at }
  }

  return {
    checkpoint(text, origin) {
      const checkpoint = readCheckpoint(text)
      if (!checkpoint)
        return void problems.push(`a checkpoint ${origin === 'here' ? 'of the log' : 'held elsewhere'} is damaged`)
      checkpoints.push({ checkpoint, origin })
      wanted.set(checkpoint.size, undefined)
    },
    leaf(text) {
      const taken = chain.take(text)
      if (wanted.has(chain.size)) wanted.set(chain.size, chain.hash)
      if (!taken) return
      const { leaf } = taken
      if (leaf.kind === 'damaged') noted.add(leaf.n)
      if (leaf.kind === 'key_rotated' && leaf.what === 'audit') checkRotation(leaf)
      if (leaf.kind !== 'delivered') return
      delivered.add(`${leaf.batch} ${leaf.sha256}`)
      if (leaf.receipt.kind === 'signed') checkReceipt(leaf.pool, leaf.receipt, leaf.n)
    },
    receipt({ batch_id, sha256, pool }) {
      if (!delivered.has(`${batch_id} ${sha256}`))
        problems.push(`receipt of pool ${pool} for batch ${batch_id}: the log has no such delivery`)
    },
    findings() {
      const keys = believed()
      const judged = checkpoints.map((one) => ({ ...one, problem: problemOf(one, keys) }))
      const unopposed = judged.filter(({ problem }) => problem === undefined)
      const right = unopposed.filter(({ checkpoint }) => !isIncomparable(checkpoint.size))
      const all = [
        ...chain.breaks().map((found) => describeBreak(found, noted)),
        ...problems,
        ...judged.flatMap(({ problem }) => problem ?? []),
      ]
      return {
        ok: all.length === 0,
        problems: all,
        first: chain.first,
        size: chain.size,
        hash: chain.hash,
        checkpoints: { here: count(right, 'here'), elsewhere: count(right, 'elsewhere') },
        incomparable: unopposed.length - right.length,
        signed: last(right),
        held: last(right.filter(({ origin }) => origin === 'elsewhere')),
        keys: [...new Set(right.map(({ checkpoint }) => checkpoint.kid))],
        self_vouched: input.key === undefined && checkpoints[0]?.origin !== 'elsewhere',
        receipts,
      }
    },
  }
}

function count(checkpoints: readonly { readonly origin: Origin }[], origin: Origin): number {
  return checkpoints.filter((one) => one.origin === origin).length
}

/** The first leaf behind a break. */
function placeBehind(found: ChainBreak): number {
  return found.kind === 'missing' ? found.until : found.kind === 'malformed' ? found.n + 1 : found.n
}

function describeBreak(found: ChainBreak, noted: ReadonlySet<number>): string {
  const { n } = found
  switch (found.kind) {
    case 'malformed':
      return `leaf ${n} is not as it was written: it is none`
    case 'altered':
      return `leaf ${n} does not follow on the leaf before it: one of the two is not as it was written`
    case 'beheaded':
      return `leaves 0 to ${n - 1} are missing, and the log does not say that it gave them up`
    case 'missing': {
      const range = found.until - n > 1 ? `leaves ${n} to ${found.until - 1} are` : `leaf ${n} is`
      const why = noted.has(found.until)
        ? '; the log says itself that they were lost with a damaged or older database'
        : ''
      return `${range} missing${why}`
    }
  }
}

/**
 * What the findings prove, and what they do not, in words.
 * @param place where checkpoints are held
 * @param fewest so many leaves the log of this gateway never falls short of once it gave some up; absent: not known
 */
export function statesOf(found: AuditFindings, place: string | undefined, fewest = 0): readonly string[] {
  const { first, size, signed, held, checkpoints, incomparable, self_vouched } = found
  if (size === 0) return ['the log is empty']
  const upTo = ({ from, size: end }: Vouched): string => `leaves ${from} to ${end - 1}`
  const from = (held ?? signed)?.from ?? first
  const proven = held
    ? [`proven: ${upTo(held)} are as they were on ${held.at}; that checkpoint is held in ${place}`]
    : signed
      ? [
          self_vouched
            ? `not proven: ${upTo(signed)}, which vouch for themselves alone: whoever wrote them may have made the key; --key takes the one you were given`
            : `proven: ${upTo(signed)} are as they were on ${signed.at}, unless whoever changed them had audit.key too`,
        ]
      : []
  const free = held?.size ?? signed?.size ?? first
  return [
    `leaves ${first} to ${size - 1}${first > 0 ? `; the log says that ${first} older ones were given up for room` : ''}`,
    ...(first > 0 && size - first < fewest
      ? [
          `warning: ${size - first} leaves are left where there is room for ${fewest} and more: buffer.max_size was smaller once, or somebody cut the older ones off`,
        ]
      : []),
    `checkpoints that agree: ${checkpoints.here} here${place === undefined ? '' : `, ${checkpoints.elsewhere} in ${place}`}`,
    ...(incomparable > 0
      ? [`checkpoints not comparable: ${incomparable}, whose last leaf is among those that were given up`]
      : []),
    ...proven,
    ...(from > first
      ? [`not proven: leaves ${first} to ${from - 1}, which what is said above parts from that checkpoint`]
      : []),
    ...(free < size
      ? [
          `not proven: leaves ${free} to ${size - 1}, ${free === first ? 'which no checkpoint covers' : 'which are newer'}`,
        ]
      : []),
    ...(first > 0 ? [`not proven: that leaves 0 to ${first - 1} were given up for room, and not cut off`] : []),
    ...(held
      ? []
      : ['not proven: that log and audit key were not replaced together; that takes checkpoints held elsewhere']),
    'never proven: that whoever rules this machine logs all that happens from now on; nor the truth of what was logged',
  ]
}
