import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../core/log.ts'
import { lakeFiles } from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL, writeReceiverFiles } from '../../test/support/sealing.ts'
import { openDirectoryPool } from '../../uplink/directory-pool.ts'
import { seal } from '../../uplink/seal.ts'
import { makeTombstone } from '../../uplink/tombstone.ts'
import { loadSetup, type ReceiverSetup } from './config.ts'
import { type ImportReport, importFolder } from './import.ts'
import { openParts } from './parts.ts'
import { reportOf } from './report.ts'

const plant = newKey()
const never = new AbortController().signal
const batches = [0, 1, 2].map((seq) => seal(makeSealInput({ signing: plant, seq })))
const nothing: ImportReport = { stored: 0, known: 0, buried: 0, withdrawn: 0, refused: [], missing: [], damaged: [] }

describe('import of a medium', () => {
  let folder: string
  let medium: string
  let setup: ReceiverSetup
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-import-'))
    setup = loadSetup(writeReceiverFiles(folder, { plant: plant.id }).config)
    medium = join(folder, 'usb')
    mkdirSync(medium)
    await using pool = openDirectoryPool({ name: POOL, dir: medium, volume_size: 2 * batches[0]!.bytes.length })
    for (const batch of batches) await pool.deliver(batch, never)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  async function take(): Promise<ImportReport> {
    using parts = openParts(setup, silentLog)
    return await importFolder(medium, setup.pools, parts)
  }

  it('stores every batch of every volume, once', async () => {
    expect(await take()).toEqual({ ...nothing, stored: 3 })
    expect(await take()).toEqual({ ...nothing, known: 3 })
    expect(lakeFiles(setup.data_dir)).toHaveLength(3)
  })

  it('takes what the plant gave up', async () => {
    const dropped = seal(makeSealInput({ signing: plant, seq: 3 }))
    await using pool = openDirectoryPool({ name: POOL, dir: medium })
    await pool.bury(makeTombstone({ ...dropped, reason: 'full' }, plant), never)
    expect(await take()).toEqual({ ...nothing, stored: 3, buried: 1 })
    using parts = openParts(setup, silentLog)
    expect(reportOf(POOL, parts.index).contributors[0]!.streams[0]).toMatchObject({
      gaps: [],
      tombstones: [{ seq: 3, reason: 'full' }],
    })
  })

  it('says what did not come whole from the medium', async () => {
    const [first, second] = batches.map(({ id }) => `${id}.parquet`)
    rmSync(join(medium, '000001', first!))
    writeFileSync(join(medium, '000001', second!), batches[1]!.bytes.with(100, batches[1]!.bytes[100]! ^ 1))
    const missing = [join('000001', first!)]
    expect(await take()).toEqual({ ...nothing, stored: 1, missing, damaged: [join('000001', second!)] })
  })

  it('refuses what it should not know, and takes the rest', async () => {
    const stranger = newKey()
    await using other = openDirectoryPool({ name: POOL, dir: medium })
    await other.deliver(seal(makeSealInput({ signing: stranger, seq: 9 })), never)
    writeFileSync(join(medium, 'notes.parquet'), 'not a file of a pool')
    writeFileSync(join(medium, 'notes.parquet.sig'), '')
    renameSync(join(medium, '000002', `${batches[2]!.id}.parquet.sig`), join(medium, 'lost.sig'))
    const { refused, ...rest } = await take()
    expect(rest).toEqual({ stored: 2, known: 0, buried: 0, withdrawn: 0, missing: [], damaged: [] })
    expect(refused.map(({ problem }) => problem).sort()).toEqual(['identity', 'request-malformed', 'schema-unknown'])
  })

  it('says that the folder is not there', async () => {
    rmSync(medium, { recursive: true })
    await expect(take()).rejects.toThrow(expect.objectContaining({ code: 'config-unreadable' }))
  })
})
