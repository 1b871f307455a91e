import { openStore } from '../../buffer/store.ts'
import { unixMs } from '../../core/brand.ts'
import { silentLog } from '../../core/log.ts'
import { commitOf, publicationTo, signalSpec, T0 } from './store.ts'

/**
 * A process to be killed: stores numbered readings with a mark each, publishes and delivers for a pool, and says on
 * stdout what was acknowledged: `a` readings accepted, `c` cursor, `b` batches sealed, `d` batches delivered.
 */
const data_dir = process.argv[2]!
const store = openStore({
  data_dir,
  boot: String(process.pid),
  now: T0,
  max_size: 64e6,
  max_age: 1e12,
  keep_raw: 0,
  log: silentLog,
  machine: 'machine-1',
})
store.intern([signalSpec('a')])
let { cursor } = store.openPool('p')
const say = (word: string): void => void process.stdout.write(`${word}\n`)
let { accepted, pools } = store.status(T0)
let { sealed, delivered } = pools.p!.batches
let slot = cursor.sealed_until.hourly ?? T0

for (let i = 0; ; i++) {
  const n = 1 + (i % 50)
  const readings = Array.from({ length: n }, (_, k) => [0, accepted + k] as const)
  const hash = Buffer.from(String(accepted + n))
  store.append(commitOf(readings, { after: accepted, marks: [{ session: 's', packet_id: 1, hash }] }))
  accepted += n
  say(`a ${accepted}`)
  if (i % 3 === 0) {
    slot = unixMs(slot + 60_000)
    store.commitPublication(publicationTo(store, 'p', Math.max(accepted - 20, cursor.raw_seq), { slot }))
    cursor = store.openPool('p').cursor
    say(`c ${cursor.raw_seq}`)
    say(`b ${++sealed}`)
  }
  const batch = i % 4 === 0 ? store.nextBatch('p') : undefined
  if (batch) {
    store.settle('p', batch.id, {
      kind: 'delivered',
      receipt: { kind: 'file', path: '', sha256: batch.sha256 },
      at: T0,
    })
    say(`d ${++delivered}`)
  }
  if (i % 7 === 0) store.tidy(T0)
}
