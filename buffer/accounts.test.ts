import { describe, expect, it } from 'vitest'
import { makeFolder, T0 } from '../test/support/store.ts'
import { accountProblems, accountsAddUp } from './accounts.ts'

describe('the identities', () => {
  it('name the pool and both sides where they break', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.openPool('p')
    const status = store.status(T0)
    expect(accountsAddUp(status)).toBe(true)
    const p = status.pools.p!
    const broken = {
      pools: {
        p: {
          ...p,
          accounts: { ...p.accounts, accepted: 3, withheld: { late: 1 }, evicted: { full: 1 } },
          batches: { ...p.batches, sealed: 1 },
        },
      },
    }
    expect(accountProblems(broken)).toEqual([
      'pool p: 3 readings accepted, 2 accounted for',
      'pool p: 1 batches sealed, 0 accounted for',
    ])
    expect(accountsAddUp(broken)).toBe(false)
  })
})
