import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { GENESIS, type Leaf } from '../core/audit.ts'
import { type ChainBreak, makeChain, readLeaf } from '../core/audit-chain.ts'
import { rawSeq, unixMs } from '../core/brand.ts'
import {
  commitOf,
  makeFolder,
  numbered,
  publicationTo,
  signalSpec,
  T0,
  type TestFolder,
} from '../test/support/store.ts'
import { makeAudit } from './audit.ts'
import { connect, PAGE } from './database.ts'
import type { Store } from './port.ts'

/** A store with ten readings that wait for pool `p`. */
function begin(folder: TestFolder): Store {
  const store = folder.open()
  store.intern([signalSpec('a')])
  store.openPool('p')
  store.append(commitOf(numbered(0, 10)))
  return store
}

function seal(store: Store, minute: number): string {
  const publication = publicationTo(store, 'p', 0, { slot: T0 + minute * 60_000 })
  store.commitPublication({ ...publication, leaf: { policy: 'a1', contract: 'b2' } })
  return publication.batch!.id
}

const textsOf = (store: Store) => store.look({ kind: 'leaves', from: 0, limit: 256 }) as readonly string[]
const leavesOf = (store: Store): readonly Leaf[] => textsOf(store).map((text) => readLeaf(text)!)

function look(store: Store): { readonly kinds: readonly string[]; readonly breaks: readonly ChainBreak[] } {
  const chain = makeChain()
  const kinds = textsOf(store).map((text) => chain.take(text)?.leaf.kind ?? '?')
  return { kinds, breaks: chain.breaks() }
}

describe('the transparency log', () => {
  it('has a leaf for whatever becomes of a batch, each with the hash of the one before', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const [first, second, third] = [seal(store, 1), seal(store, 2), seal(store, 3)]
    const sha256 = store.outboxBatch(first)!.batch!.sha256
    const batches = [first, second, third].map((id) => store.outboxBatch(id)!.entry.id)
    const receipt = { kind: 'file', path: '/media/usb/hall-2', sha256 } as const
    store.settle('p', batches[0]!, { kind: 'delivered', receipt, at: T0 })
    store.settle('p', batches[1]!, { kind: 'quarantined', code: 'pool-rejected', message: 'range', at: T0 })
    store.retryBatches({ ids: [second] }, T0)
    store.dropBatches({ ids: [second] }, 'words of an operator', T0)

    const leaves = leavesOf(store)
    expect(leaves.map(({ kind, n }) => [n, kind])).toEqual([
      [0, 'sealed'],
      [1, 'sealed'],
      [2, 'sealed'],
      [3, 'delivered'],
      [4, 'refused'],
      [5, 'requeued'],
      [6, 'dropped'],
    ])
    expect(leaves[0]).toMatchObject({ batch: first, sha256, policy: 'a1', contract: 'b2', prev: GENESIS, pool: 'p' })
    expect(leaves[3]).toMatchObject({ batch: first, sha256, receipt: { kind: 'file', sha256 } })
    expect(look(store).breaks).toEqual([])
    expect(JSON.stringify(leaves)).not.toMatch(/hall-2|operator"?:|words of/)
  })

  it('says nothing of a step that was refused', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const publication = publicationTo(store, 'p', 0, { slot: T0 + 60_000 })
    const wrong = { ...publication, expect: { ...publication.expect, raw_seq: rawSeq(5) } }
    expect(() => store.commitPublication(wrong)).toThrow('cursor moved')
    expect(leavesOf(store)).toEqual([])
  })

  it('names other events of a publication in its transaction', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const event = {
      kind: 'budget_exhausted',
      pool: 'p',
      dataset: 'hourly',
      columns: ['defect_rate'],
      from: '2026-06-01T12:00:00.000Z',
      until: '2026-06-01T13:00:00.000Z',
    } as const
    store.commitPublication({ ...publicationTo(store, 'p', 3), events: [event] })
    expect(leavesOf(store)).toMatchObject([event])
  })

  it('tells of a gate once, until it says something else', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const shut = { kind: 'gate_shut', pool: 'p', code: 'key-missing' } as const
    for (const event of [shut, shut, { ...shut, code: 'policy-expired' }, shut]) store.noteGate(event, T0)
    expect(leavesOf(store).map((leaf) => 'code' in leaf && leaf.code)).toEqual([
      'key-missing',
      'policy-expired',
      'key-missing',
    ])
  })

  it('gives up its oldest leaves beyond its bound, and says so', () => {
    using folder = makeFolder()
    const db = connect(join(folder.path, 'sluice.db'), 64e6)
    const audit = makeAudit(db)
    for (let i = 0; i < 100; i++) audit.append({ kind: 'joined', pool: `p${i}` }, T0)
    audit.addCheckpoint(5, 'old')
    audit.addCheckpoint(80, 'new')
    audit.prune(100, T0)
    expect(audit.leaves(0, 200)).toHaveLength(100)
    audit.append({ kind: 'joined', pool: 'one more' }, T0)
    audit.prune(100, T0)

    const chain = makeChain()
    const leaves = audit.leaves(0, 200)
    for (const leaf of leaves) chain.take(leaf)
    expect([leaves.length, chain.first, chain.size]).toEqual([91, 11, 102])
    expect(chain.breaks()).toEqual([])
    expect(audit.checkpoints(0, 10)).toEqual(['new'])
    // Whoever deletes them without a word is found out.
    const silent = makeChain()
    for (const leaf of leaves.slice(1)) silent.take(leaf)
    expect(silent.breaks()).toEqual([{ kind: 'beheaded', n: 12 }])
    db.close()
  })

  it('of an older database goes on behind what it had, and the gap is seen', () => {
    using folder = makeFolder()
    let store = begin(folder)
    seal(store, 1)
    store[Symbol.dispose]()
    const path = join(folder.path, 'sluice.db')
    copyFileSync(path, `${path}.old`)
    store = folder.open()
    seal(store, 2)
    seal(store, 3)
    store[Symbol.dispose]()
    copyFileSync(`${path}.old`, path)

    using after = folder.open({ now: unixMs(T0 + 1_000) })
    expect(look(after)).toEqual({ kinds: ['sealed', 'damaged'], breaks: [{ kind: 'missing', n: 1, until: 3 }] })
    expect(leavesOf(after)[1]).toMatchObject({ n: 3, left: 1, expected: 3 })
    seal(after, 4)
    expect(look(after).breaks).toEqual([{ kind: 'missing', n: 1, until: 3 }])
  })

  it('says so where its last leaf is another than the high-water file knows', () => {
    using folder = makeFolder()
    const store = begin(folder)
    seal(store, 1)
    store[Symbol.dispose]()
    const db = new Database(join(folder.path, 'sluice.db'))
    db.exec('UPDATE audit SET leaf = replace(leaf, \'"rows":1\', \'"rows":2\')')
    db.close()
    using after = folder.open({ now: unixMs(T0 + 1_000) })
    expect(leavesOf(after)).toMatchObject([{ kind: 'sealed' }, { kind: 'damaged', left: 1, expected: 1 }])
  })

  it('survives a salvage as far as it can be read, and notes what is missing', () => {
    using folder = makeFolder()
    let store = begin(folder)
    for (let i = 1; i <= 30; i++) seal(store, i)
    store[Symbol.dispose]()
    const path = join(folder.path, 'sluice.db')
    const db = new Database(path)
    const page = db.prepare<[], number>(
      "SELECT pageno FROM dbstat WHERE name = 'audit' AND pagetype = 'leaf' LIMIT 1 OFFSET 1",
    )
    const damaged = page.pluck().get()!
    db.close()
    writeFileSync(path, readFileSync(path).fill(0, (damaged - 1) * PAGE, damaged * PAGE))

    store = folder.open({ now: unixMs(T0 + 1_000) })
    expect(() => seal(store, 31)).not.toThrow()
    expect(() => store.look({ kind: 'leaves', from: 0, limit: 256 })).not.toThrow()
    const { kinds, breaks } = look(store)
    expect(kinds.filter((kind) => kind === 'damaged')).toHaveLength(1)
    expect(breaks).toMatchObject([{ kind: 'missing' }, { kind: 'altered' }])
    expect(kinds.length).toBeGreaterThan(15)
    store[Symbol.dispose]()
  })
})
