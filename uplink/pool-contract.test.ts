import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Pool } from '../core/batch.ts'
import { startReceiver } from '../test/support/receiver.ts'
import { makeDisclosed, makeSealInput, newKey, POOL } from '../test/support/sealing.ts'
import { openDirectoryPool } from './directory-pool.ts'
import { openHttpPool } from './http-pool.ts'
import { seal } from './seal.ts'
import { makeTombstone } from './tombstone.ts'

/** One suite for every implementation of the port: `core/batch.ts`, Pool. */
interface Place extends AsyncDisposable {
  open(): Pool
  /** Makes the pool unreachable. */
  vanish(): Promise<void>
}

const signing = newKey()
const never = new AbortController().signal

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  async http() {
    const receiver = await startReceiver({ plant: signing.id })
    return {
      open: () => openHttpPool({ name: POOL, url: receiver.url, receipt_key: receiver.receipt_key, timeout: 10_000 }),
      vanish: () => receiver.stop(),
      [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
    }
  },
  async directory() {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-outgoing-'))
    return {
      open: () => openDirectoryPool({ name: POOL, dir }),
      vanish: () => rm(dir, { recursive: true }),
      [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
    }
  },
}

describe.each(Object.entries(PLACES))('a pool over %s', (_, place) => {
  it('accepts a batch, and the same batch again with the same receipt', async () => {
    await using at = await place()
    await using pool = at.open()
    const batch = seal(makeSealInput({ signing }))
    const first = await pool.deliver(batch, never)
    expect(first).toMatchObject({ kind: 'accepted', receipt: { sha256: batch.sha256 } })
    await using later = at.open()
    expect(await later.deliver(batch, never)).toEqual(first)
  })

  it('rejects other bytes under a known id, and takes the next batch', async () => {
    await using at = await place()
    await using pool = at.open()
    await pool.deliver(seal(makeSealInput({ signing })), never)
    const other = seal(makeSealInput({ signing, disclosed: makeDisclosed(2) }))
    expect(await pool.deliver(other, never)).toMatchObject({
      kind: 'rejected',
      fault: { code: 'pool-mismatch', message: expect.stringContaining('digest-mismatch') },
    })
    expect(await pool.deliver(seal(makeSealInput({ signing, seq: 8 })), never)).toMatchObject({ kind: 'accepted' })
  })

  it('says retry when it is gone', async () => {
    await using at = await place()
    await using pool = at.open()
    await at.vanish()
    const verdict = await pool.deliver(seal(makeSealInput({ signing })), never)
    expect(verdict).toMatchObject({ kind: 'retry', after_ms: 0, fault: { fate: 'retries' } })
  })

  it('says retry when it is stopped', async () => {
    await using at = await place()
    await using pool = at.open()
    expect(await pool.deliver(seal(makeSealInput({ signing })), AbortSignal.abort())).toMatchObject({ kind: 'retry' })
  })

  it('takes a tombstone, also twice, and says why it cannot', async () => {
    await using at = await place()
    await using pool = at.open()
    const batch = seal(makeSealInput({ signing }))
    const tombstone = makeTombstone({ ...batch, reason: 'full' }, signing)
    expect(await pool.bury(tombstone, never)).toBeNull()
    expect(await pool.bury(tombstone, never)).toBeNull()
    await at.vanish()
    expect(await pool.bury(tombstone, never)).toMatchObject({ fate: 'retries' })
  })
})
