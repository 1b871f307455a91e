import Database from 'better-sqlite3'
import { Fault } from '../../core/fault.ts'

/** A batch as the index keeps it. Times are UnixMs, `path` is below the lake. */
export interface IndexedBatch {
  readonly pool: string
  readonly id: string
  readonly dataset: string
  readonly contributor: string
  readonly account: string
  readonly key: string
  readonly signature: string
  readonly stream: string
  readonly epoch: number
  readonly seq: number
  readonly rows: number
  readonly from_ms: number
  readonly until_ms: number
  readonly sha256: string
  readonly path: string
  /** JSON of the signed receipt */
  readonly receipt: string
}

/**
 * `incoming`: its file may or may not be in the lake, nothing was promised · `stored`: the receipt may be out ·
 * `withdrawing`: its file may or may not be gone · `withdrawn`: it is gone.
 */
export type BatchState = 'incoming' | 'stored' | 'withdrawing' | 'withdrawn'

/** What a plant says of a batch that it dropped. */
export interface Tombstone {
  readonly pool: string
  readonly id: string
  readonly dataset: string
  readonly contributor: string
  readonly stream: string
  readonly epoch: number
  readonly seq: number
  readonly reason: string
}

/** Who was refused what. Contributor and stream are '' where the file was too wrong to say. */
export interface Rejection {
  readonly pool: string
  readonly account: string
  readonly contributor: string
  readonly stream: string
  readonly problem: string
}

const SCHEMA = `
create table if not exists batch (
  pool text not null, id text not null, state text not null,
  dataset text not null, contributor text not null, account text not null, key text not null, signature text not null,
  stream text not null, epoch integer not null, seq integer not null, rows integer not null,
  from_ms integer not null, until_ms integer not null, sha256 text not null, path text not null, receipt text not null,
  primary key (pool, id)) strict, without rowid;
create table if not exists contributor (
  pool text not null, epoch integer not null, contributor text not null, account text not null,
  primary key (pool, epoch, contributor)) strict, without rowid;
create table if not exists tombstone (
  pool text not null, id text not null, dataset text not null, contributor text not null, stream text not null,
  epoch integer not null, seq integer not null, reason text not null,
  primary key (pool, id)) strict, without rowid;
create table if not exists withdrawal (
  pool text not null, stream text not null, account text not null, receipt text,
  primary key (pool, stream, account)) strict, without rowid;
create table if not exists rejection (
  pool text not null, account text not null, contributor text not null, stream text not null, problem text not null,
  n integer not null, primary key (pool, account, contributor, stream, problem)) strict, without rowid;`

/** The receiver's index: one SQLite file, every change durable (fsync) when its call returns. */
export interface BatchIndex extends Disposable {
  find(pool: string, id: string): (IndexedBatch & { readonly state: BatchState }) | undefined
  /** Binds the pseudonym to the account on first use; false where it is another account's. */
  bind(pool: string, epoch: number, contributor: string, account: string): boolean
  /** Puts a batch down as `incoming`. */
  announce(batch: IndexedBatch): void
  setState(pool: string, id: string, state: BatchState): void
  /** Forgets an `incoming` batch. */
  forget(pool: string, id: string): void
  /** Batches in this state. */
  inState(state: BatchState): readonly IndexedBatch[]
  bury(tombstone: Tombstone): void
  /** A stream that an account takes back; without a receipt as long as that goes on. */
  withdrawal(pool: string, stream: string, account: string): { readonly receipt: string | null } | undefined
  orderWithdrawal(pool: string, stream: string, account: string): void
  completeWithdrawal(pool: string, stream: string, account: string, receipt: string): void
  /** Those that are complete. */
  withdrawals(pool: string): readonly { readonly stream: string; readonly receipt: string }[]
  /** Batches of an account in a stream, of any state. */
  ofStream(pool: string, stream: string, account: string): readonly (IndexedBatch & { readonly state: BatchState })[]
  /** Whether a stream has batches of other accounts and none of this one. */
  isOfOthers(pool: string, stream: string, account: string): boolean
  reject(rejection: Rejection): void
  stored(pool: string): readonly IndexedBatch[]
  tombstones(pool: string): readonly Tombstone[]
  rejections(pool: string): readonly (Rejection & { readonly n: number })[]
}

/** @throws Fault `store-locked` where another receiver has the file open */
export function openBatchIndex(file: string): BatchIndex {
  const db = new Database(file, { timeout: 0 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec(SCHEMA)
  } catch (cause) {
    db.close()
    if (!String((cause as { readonly code?: unknown }).code).startsWith('SQLITE_BUSY')) throw cause
    throw new Fault('store-locked', { file }, 'another receiver has the index open', { cause })
  }
  const columns =
    'dataset, contributor, account, key, signature, stream, epoch, seq, rows, from_ms, until_ms, sha256, path, receipt'
  const find = db.prepare(`select pool, id, state, ${columns} from batch where pool = ? and id = ?`)
  const inState = db.prepare(`select pool, id, ${columns} from batch where state = ?`)
  const stored = db.prepare(
    `select pool, id, ${columns} from batch where pool = ? and state = 'stored' order by contributor, stream, dataset, epoch, seq`,
  )
  const announce = db.prepare(
    `insert into batch (pool, id, state, ${columns}) values (@pool, @id, 'incoming', @${columns.replaceAll(', ', ', @')})`,
  )
  const setState = db.prepare('update batch set state = ? where pool = ? and id = ?')
  const forget = db.prepare("delete from batch where pool = ? and id = ? and state = 'incoming'")
  const bind = db.prepare('insert or ignore into contributor values (?, ?, ?, ?)')
  const bound = db.prepare('select account from contributor where pool = ? and epoch = ? and contributor = ?').pluck()
  const bury = db.prepare(
    'insert or ignore into tombstone values (@pool, @id, @dataset, @contributor, @stream, @epoch, @seq, @reason)',
  )
  const withdrawal = db.prepare('select receipt from withdrawal where pool = ? and stream = ? and account = ?')
  const orderWithdrawal = db.prepare('insert or ignore into withdrawal values (?, ?, ?, null)')
  const completeWithdrawal = db.prepare(
    'update withdrawal set receipt = ? where pool = ? and stream = ? and account = ?',
  )
  const withdrawals = db.prepare('select stream, receipt from withdrawal where pool = ? and receipt is not null')
  const ofStream = db.prepare(
    `select pool, id, state, ${columns} from batch where pool = ? and stream = ? and account = ? and state <> 'incoming'`,
  )
  const accountsOf = db.prepare('select distinct account from batch where pool = ? and stream = ?').pluck()
  const tombstones = db.prepare('select * from tombstone where pool = ?')
  const reject = db.prepare(
    'insert into rejection values (@pool, @account, @contributor, @stream, @problem, 1) on conflict do update set n = n + 1',
  )
  const rejections = db.prepare('select * from rejection where pool = ?')

  return {
    find: (pool, id) => find.get(pool, id) as ReturnType<BatchIndex['find']>,
    bind(pool, epoch, contributor, account) {
      bind.run(pool, epoch, contributor, account)
      return bound.get(pool, epoch, contributor) === account
    },
    announce: (batch) => void announce.run(batch),
    setState: (pool, id, state) => void setState.run(state, pool, id),
    forget: (pool, id) => void forget.run(pool, id),
    inState: (state) => inState.all(state) as IndexedBatch[],
    bury: (tombstone) => void bury.run(tombstone),
    withdrawal: (pool, stream, account) =>
      withdrawal.get(pool, stream, account) as ReturnType<BatchIndex['withdrawal']>,
    orderWithdrawal: (pool, stream, account) => void orderWithdrawal.run(pool, stream, account),
    completeWithdrawal: (pool, stream, account, receipt) => void completeWithdrawal.run(receipt, pool, stream, account),
    withdrawals: (pool) => withdrawals.all(pool) as { stream: string; receipt: string }[],
    ofStream: (pool, stream, account) => ofStream.all(pool, stream, account) as ReturnType<BatchIndex['ofStream']>,
    isOfOthers(pool, stream, account) {
      const accounts = accountsOf.all(pool, stream)
      return accounts.length > 0 && !accounts.includes(account)
    },
    reject: (rejection) => void reject.run(rejection),
    stored: (pool) => stored.all(pool) as IndexedBatch[],
    tombstones: (pool) => tombstones.all(pool) as Tombstone[],
    rejections: (pool) => rejections.all(pool) as (Rejection & { n: number })[],
    [Symbol.dispose]: () => void db.close(),
  }
}
