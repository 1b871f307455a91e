import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SealedBatch } from '../core/batch.ts'
import { makeSealInput, POOL, sealed } from '../test/support/sealing.ts'
import { openDirectoryPool } from './directory-pool.ts'
import { seal } from './seal.ts'
import { parseBatchSignature, verifyBatch } from './signature.ts'
import { readVolumeList, VOLUME_LIST } from './volumes.ts'

const never = new AbortController().signal
const batch = sealed()

describe('a directory as a pool', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-outgoing-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('holds the file, its signature and the list, and nothing else', async () => {
    await using pool = openDirectoryPool({ name: POOL, dir })
    await pool.deliver(batch, never)
    expect((await readdir(dir)).sort()).toEqual([`${batch.id}.parquet`, `${batch.id}.parquet.sig`, VOLUME_LIST])
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

  describe('in volumes', () => {
    const size = batch.bytes.length
    const numbered = (seq: number): SealedBatch => seal(makeSealInput({ seq }))

    it('begins a new one when the last is full, and lists what is in each', async () => {
      await using pool = openDirectoryPool({ name: POOL, dir, volume_size: 2 * size })
      const batches = [1, 2, 3].map(numbered)
      for (const one of batches) expect(await pool.deliver(one, never)).toMatchObject({ kind: 'accepted' })
      expect((await readdir(dir)).sort()).toEqual(['000001', '000002'])
      const lists = await Promise.all(['000001', '000002'].map((volume) => readVolumeList(join(dir, volume))))
      expect(lists).toEqual([
        batches.slice(0, 2).map(({ id, sha256 }) => ({ file: `${id}.parquet`, bytes: size, sha256 })),
        batches.slice(2).map(({ id, sha256 }) => ({ file: `${id}.parquet`, bytes: size, sha256 })),
      ])
    })

    it('finds a batch that it wrote before, and lists it once', async () => {
      await using pool = openDirectoryPool({ name: POOL, dir, volume_size: size })
      const [first, second] = [numbered(1), numbered(2)]
      const receipt = await pool.deliver(first, never)
      await pool.deliver(second, never)
      expect(await pool.deliver(first, never)).toEqual(receipt)
      expect(await readVolumeList(join(dir, '000001'))).toHaveLength(1)
    })

    it('gives a file that is larger than a volume one of its own', async () => {
      await using pool = openDirectoryPool({ name: POOL, dir, volume_size: 10 })
      for (const seq of [1, 2]) await pool.deliver(numbered(seq), never)
      expect((await readdir(dir)).sort()).toEqual(['000001', '000002'])
    })
  })

  it('completes the list after a power cut tore its last line', async () => {
    await using pool = openDirectoryPool({ name: POOL, dir })
    await pool.deliver(batch, never)
    const whole = await readVolumeList(dir)
    await truncate(join(dir, VOLUME_LIST), 20)
    expect(await readVolumeList(dir)).toEqual([])
    await pool.deliver(batch, never)
    expect(await readVolumeList(dir)).toEqual(whole)
  })
})
