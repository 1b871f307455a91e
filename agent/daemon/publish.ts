import { randomFillSync } from 'node:crypto'
import type { PoolState, Store } from '../../buffer/port.ts'
import type { AuditEvent } from '../../core/audit.ts'
import type { SealedBatch } from '../../core/batch.ts'
import { Fault } from '../../core/fault.ts'
import type { LedgerEntry } from '../../core/ledger.ts'
import type { Cursor, StoredBlock } from '../../core/stored-block.ts'
import { isExpired } from '../../privacy/compile.ts'
import { type Disclosure, makeDisclosure } from '../../privacy/disclose.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { makeAccountSums } from '../../privacy/fate.ts'
import { makePseudonyms } from '../../privacy/keys.ts'
import { makeLaplace } from '../../privacy/noise.ts'
import { type PolicyRecord, readPolicyRecord, recordPolicy } from '../../privacy/policy-record.ts'
import { seal } from '../../uplink/seal.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { type Ahead, furthestAhead } from './ahead.ts'
import type { Gate } from './worker-port.ts'

/** Blocks read from the log at a time. */
const STRIDE = 32
/** Readings and blocks after which the cursor moves on without a batch, so that raw readings no rule names can go. */
const ADVANCE_READINGS = 50_000
const ADVANCE_BLOCKS = 600

/** Publishes for one pool: raw log → windows → sealed batch. Runs in the worker, between commits. */
export interface Publisher {
  /**
   * Does one small piece of work. `sealed`: a batch is in the outbox · `more`: call again · `idle`: nothing to do until
   * the log grows or the outbox drains.
   * @throws Fault where the gate must be shut (`policy-expired`, `seal-failed`); nothing was committed then.
   */
  step():
    | { readonly kind: 'sealed'; readonly dataset: string; readonly rows: number }
    | { readonly kind: 'more' | 'idle' }
  /** Whether some dataset may be sealed further; where none may, nothing is to be done before a batch has gone. */
  hasRoom(): boolean
  /** What is sealed further than it can be by `now` (UnixMs). */
  ahead(now: number): Ahead | undefined
  /** How the readings of a block that is about to be evicted, or some of it, are accounted. */
  fateOnEviction(block: StoredBlock): readonly LedgerEntry[] | undefined
}

/**
 * @throws Fault `key-invalid`
 */
export function makePublisher(input: { readonly store: Store; readonly gate: Gate }): Publisher {
  const { store, gate } = input
  const { pool, plan } = gate
  const signing = parseSigningKey(gate.signing_key)
  const pseudonyms = makePseudonyms(gate.plant_key, pool)
  const laplace = makeLaplace((bytes) => void randomFillSync(bytes))
  const opened = store.openPool(pool)
  let cursor: Cursor = opened.cursor
  let position = store.positionOf(cursor.raw_seq)
  let disclosure = begin(opened)
  let advancedAt = position
  /** what time it is, as the log tells it, UnixMs */
  let latest = 0

  /** Absent while it is not known when the stream began. */
  function begin({ stream_since, ...state }: PoolState): Disclosure | undefined {
    if (stream_since === null) return undefined
    const record = notePolicy(state)
    return makeDisclosure({
      plan,
      pseudonyms,
      cursor,
      stream_since,
      record,
      signalOf: (index) => store.signal(index),
      max_skew: gate.max_skew,
      noise: { state: store.noise(pool), laplace },
    })
  }

  /** Notes that the pool is published by this plan from here on, where that is news. */
  function notePolicy({ policy, end_seq }: Pick<PoolState, 'policy' | 'end_seq'>): PolicyRecord {
    const before = readPolicyRecord(policy ?? undefined)
    const [first] = store.blocks(position, STRIDE).filter((block) => block.sane)
    const sealed = Object.values(cursor.sealed_until)
    // Whatever is stored from the first pending block on lies after it, but for what runs ahead of the clock.
    const time = first ? first.arrival + gate.max_skew : Math.max(0, ...sealed)
    // A database that was restored may have sealed less than was drawn.
    const drawn_until = Math.max(0, ...sealed, ...Object.values(store.noise(pool).drawn_until))
    const record = recordPolicy(plan, before, { ...cursor, time, end_seq, drawn_until })
    const text = JSON.stringify(record)
    if (text !== policy) store.notePolicy(pool, text)
    return record
  }

  /** Accounts of everything the cursor passes on its way to `next`, one entry a (signal, account, reason). */
  function accountUpTo(disclosure: Disclosure, next: Cursor, after?: Disclosed): readonly LedgerEntry[] {
    const sums = makeAccountSums()
    for (let at = store.positionOf(cursor.raw_seq); ; ) {
      const blocks = store.blocks(at, STRIDE)
      for (const block of blocks) {
        if (block.seq >= next.raw_seq) return sums.entries()
        disclosure.account(block, cursor.raw_seq, next.raw_seq, sums, after)
      }
      if (blocks.length === 0) return sums.entries()
      at += blocks.length
    }
  }

  function sealPeriod(disclosure: Disclosure, period: Disclosed): void {
    const target = disclosure.cursor(period)
    const policy = pseudonyms.policyHash(period.epoch, gate.policy)
    const batch = seal({
      disclosed: period,
      pool,
      contributor: pseudonyms.contributor(period.epoch),
      stream: pseudonyms.stream(period.epoch, opened.stream_secret),
      seq: store.nextSeq(pool, period.dataset, period.epoch),
      contract: gate.contract,
      policy,
      size_class: gate.size_class[period.dataset]!,
      signing,
    })
    const ledger = accountUpTo(disclosure, target, period)
    const next = disclosure.remember(target, period)
    const leaf = { policy, contract: gate.contract.sha256 }
    const noise = disclosure.noise(period)
    const events = noise && noise.exhausted.length > 0 ? [exhaustion(batch, noise.exhausted)] : []
    store.commitPublication({ pool, expect: cursor, next, batch, ledger, leaf, noise, events })
    disclosure.sealed(period)
    disclosure.moved()
    cursor = next
    advancedAt = position
  }

  /** @param span ms */
  function mayBeSealed(dataset: string, span: number): boolean {
    return store.sealedAhead(pool, dataset) + span <= Math.max(gate.max_sealed_ahead, span)
  }

  return {
    step() {
      disclosure ??= begin(store.openPool(pool))
      if (!disclosure) return { kind: 'idle' }
      const period = disclosure.ready()
      if (period) {
        if (isExpired(plan, Math.max(period.until, latest))) {
          throw new Fault('policy-expired', { pool }, 'the policy has expired; nothing more is sealed')
        }
        if (!mayBeSealed(period.dataset, period.until - period.from)) return { kind: 'idle' }
        sealPeriod(disclosure, period)
        return { kind: 'sealed', dataset: period.dataset, rows: period.assets.length }
      }
      const blocks = timed(store.blocks(position, STRIDE))
      for (const block of blocks) {
        const hasRoom = disclosure.take(block)
        if (block.sane) latest = Math.max(latest, block.arrival)
        position = block.position + 1
        if (!hasRoom) break
      }
      if (blocks.length > 0) return { kind: 'more' }
      const target = disclosure.cursor()
      const readings = target.raw_seq - cursor.raw_seq
      if (readings >= ADVANCE_READINGS || (readings > 0 && position - advancedAt >= ADVANCE_BLOCKS)) {
        const ledger = accountUpTo(disclosure, target)
        const next = disclosure.remember(target)
        store.commitPublication({ pool, expect: cursor, next, ledger })
        disclosure.moved()
        cursor = next
        advancedAt = position
      }
      return { kind: 'idle' }
    },
    hasRoom: () => plan.datasets.some(({ name, cadence }) => mayBeSealed(name, cadence)),
    ahead: (now) => furthestAhead(plan.datasets, cursor.sealed_until, now + gate.max_skew),
    fateOnEviction: (block) => disclosure?.accountLost(block, Math.max(0, cursor.raw_seq - block.seq)),
  }
}

/** Blocks up to the first whose time is not known yet: nothing is published past it. */
function timed(blocks: readonly StoredBlock[]): readonly StoredBlock[] {
  const first = blocks.findIndex((block) => block.waits)
  return first < 0 ? blocks : blocks.slice(0, first)
}

function exhaustion({ pool, dataset, from, until }: SealedBatch, columns: readonly string[]): AuditEvent {
  const [begin, end] = [new Date(from).toISOString(), new Date(until).toISOString()]
  return { kind: 'budget_exhausted', pool, dataset, columns, from: begin, until: end }
}
