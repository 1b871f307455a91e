import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { mqttSourceSchema } from '../../adapters/mqtt/schema.ts'
import { openBroker } from '../../adapters/mqtt/simulator.ts'
import type { Store } from '../../buffer/port.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { valueAt } from '../../core/reading-block.ts'
import { eventually } from '../../test/support/eventually.ts'
import { blocksOf } from '../../test/support/publishing.ts'
import { makeFolder, publicationTo } from '../../test/support/store.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { startCollector } from './collect.ts'
import { makeCommitQueue } from './commit-queue.ts'
import { makeLiveness } from './liveness.ts'

/** Bytes of a message's text, and how many of them are more than the buffer holds. */
const TEXT = 20_000
const MESSAGES = 200

const numbersIn = (store: Store): readonly number[] =>
  blocksOf(store).flatMap(({ block }) =>
    [...block.signals.keys()].map((i) => Number(String(valueAt(block, i)).split(':')[0])),
  )

it('leaves with the broker what a paused buffer has no room for, and takes it once there is some', {
  timeout: 60_000,
}, async () => {
  const acknowledged: number[] = []
  await using broker = await openBroker({
    acknowledged: (_, payload) => acknowledged.push(JSON.parse(String(payload)).n),
  })
  using folder = makeFolder()
  const clock = makeClock(20) // what is refused is tried again in seconds
  using store = folder.open({ max_size: 4e6, when_full: 'pause', keep_raw: 1e12, now: clock.now() })
  store.openPool('p')
  const liveness = makeLiveness(clock)
  const parts = { clock, log: silentLog, liveness }
  await using queue = makeCommitQueue({
    ...parts,
    commit: async (commit) => store.append(commit),
    sense: { isSane: () => true },
    onTrouble: () => undefined,
  })
  const stop = new AbortController()
  const collector = startCollector({
    ...parts,
    name: 'broker',
    config: mqttSourceSchema.parse({
      kind: 'mqtt',
      url: broker.url,
      protocol: '3.1.1',
      subscriptions: [{ topic: 'hall/{asset}', signals: { note: { path: '$.t', type: 'string' } } }],
    }),
    plan: { signals: [], assets: [], polled: false },
    instance: 'test',
    flush: 10,
    store: makeStoreClient({
      intern: async (specs) => store.intern(specs),
      marks: async (session, after) => store.marks(session, after),
      dropMarks: async (prefix, session) => store.dropMarks(prefix, session),
      memo: async (source, key) => store.memo(source, key),
      setMemo: async (source, key, value) => store.setMemo(source, key, value),
      memos: async (source, prefix) => store.memos(source, prefix),
    }),
    queue,
    signal: stop.signal,
  })
  await eventually(async () => {
    await broker.publish('hall/probe', 'x')
    expect(collector.state().counters.messages).toBeGreaterThan(0)
  })

  for (let n = 0; n < MESSAGES; n++) {
    const t = `${n}:${randomBytes(TEXT).toString('latin1')}`
    await broker.publish('hall/h-1', JSON.stringify({ n, t }), { qos: 1 })
  }
  await eventually(() => expect(queue.trouble?.code).toBe('store-paused'))
  const taken = numbersIn(store)
  expect(taken.length).toBeLessThan(MESSAGES)
  expect(taken).toEqual(expect.arrayContaining(acknowledged))

  await eventually(() => {
    store.commitPublication(publicationTo(store, 'p', store.status(clock.now()).accepted))
    expect(acknowledged.length).toBe(MESSAGES)
  })
  const all = Array.from({ length: MESSAGES }, (_, n) => n)
  expect(acknowledged).toEqual(all)
  const { accepted, pools } = store.status(clock.now())
  expect({ accepted, evicted: pools.p!.accounts.evicted }).toEqual({ accepted: MESSAGES, evicted: {} })
  expect(queue.trouble).toBeNull()
  stop.abort()
  await collector.done
})
