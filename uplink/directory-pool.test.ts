import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { POOL, sealed } from '../test/support/sealing.ts'
import { openDirectoryPool } from './directory-pool.ts'
import { parseBatchSignature, verifyBatch } from './signature.ts'

const never = new AbortController().signal
const batch = sealed()

describe('a directory as a pool', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-outgoing-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('holds the file and its signature, and nothing else', async () => {
    await using pool = openDirectoryPool({ name: POOL, dir })
    await pool.deliver(batch, never)
    expect((await readdir(dir)).sort()).toEqual([`${batch.id}.parquet`, `${batch.id}.parquet.sig`])
    expect(new Uint8Array(await readFile(join(dir, `${batch.id}.parquet`)))).toEqual(batch.bytes)
    const signed = parseBatchSignature(await readFile(join(dir, `${batch.id}.parquet.sig`), 'utf8'))!
    expect(verifyBatch({ ...signed, pool: POOL, sha256: batch.sha256 })).toBe(true)
  })

  it('finishes what a crash left half done', async () => {
    await writeFile(join(dir, `.${batch.id}.parquet.tmp`), 'half')
    await writeFile(join(dir, `${batch.id}.parquet`), batch.bytes)
    await using pool = openDirectoryPool({ name: POOL, dir })
    expect(await pool.deliver(batch, never)).toMatchObject({ kind: 'accepted' })
    expect(await readdir(dir)).toContain(`${batch.id}.parquet.sig`)
  })

  it('never makes the folder: the medium is not mounted', async () => {
    const missing = join(dir, 'usb')
    await using pool = openDirectoryPool({ name: POOL, dir: missing })
    expect(await pool.deliver(batch, never)).toMatchObject({
      kind: 'retry',
      fault: { code: 'pool-folder', message: 'the folder is not there' },
    })
    expect(await readdir(dir)).toEqual([])
  })

  it('says what the disk says, and leaves nothing behind', async () => {
    await writeFile(join(dir, 'file'), '')
    await using pool = openDirectoryPool({ name: POOL, dir: join(dir, 'file') })
    expect(await pool.deliver(batch, never)).toMatchObject({ kind: 'retry', fault: { code: 'pool-folder' } })
    expect(await readdir(dir)).toEqual(['file'])
  })
})
