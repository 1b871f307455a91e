import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BatchIndex, IndexedBatch } from './batch-index.ts'

/** What became of a batch that was to be stored. */
export type Storing = 'stored' | 'known' | 'conflict'

/** The lake's files and the index together: a batch is in both or in neither. */
export interface Lake {
  /**
   * Stores a batch once; synchronous, so that two requests for one id cannot cross. The index says `incoming` before the
   * file is renamed into the lake and `stored` after, so a crash leaves nothing that is not known.
   * @throws Error where the disk refuses; nothing is stored then
   */
  store(batch: IndexedBatch, bytes: Uint8Array): Storing
  /** Removes a batch at the wish of its contributor; its receipt stays. */
  withdraw(batch: IndexedBatch): void
}

/** Opens `data_dir/lake` and finishes or undoes what a crash left half done. */
export function openLake(dataDir: string, index: BatchIndex): Lake {
  const root = join(dataDir, 'lake')
  const incoming = join(dataDir, 'incoming')
  mkdirSync(root, { recursive: true })
  rmSync(incoming, { recursive: true, force: true })
  mkdirSync(incoming)
  syncFolder(dataDir)
  for (const batch of index.inState('incoming')) undo(batch)
  for (const batch of index.inState('withdrawing')) finishWithdrawal(batch)

  function undo({ pool, id, path }: IndexedBatch): void {
    rmSync(join(root, path), { force: true })
    index.forget(pool, id)
  }

  function finishWithdrawal({ pool, id, path }: IndexedBatch): void {
    const file = join(root, path)
    rmSync(file, { force: true })
    // Before it is said, or a power cut brings the rows back.
    if (existsSync(dirname(file))) syncFolder(dirname(file))
    index.setState(pool, id, 'withdrawn')
  }

  return {
    store(batch, bytes) {
      const there = index.find(batch.pool, batch.id)
      if (there && there.state !== 'incoming') return there.sha256 === batch.sha256 ? 'known' : 'conflict'
      if (there) undo(there)
      index.announce(batch)
      try {
        moveIn(incoming, root, batch, bytes)
      } catch (error) {
        undo(batch)
        throw error
      }
      index.setState(batch.pool, batch.id, 'stored')
      return 'stored'
    },
    withdraw(batch) {
      index.setState(batch.pool, batch.id, 'withdrawing')
      finishWithdrawal(batch)
    },
  }
}

function moveIn(incoming: string, root: string, { id, path }: IndexedBatch, bytes: Uint8Array): void {
  const temp = join(incoming, id)
  const target = join(root, path)
  const file = openSync(temp, 'w', 0o644)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  makeFolder(dirname(target), root)
  renameSync(temp, target)
  syncFolder(dirname(target))
}

/** Makes a folder below `root` so that a power cut does not take it away again. */
function makeFolder(folder: string, root: string): void {
  if (mkdirSync(folder, { recursive: true }) === undefined) return
  for (let at = folder; at.length >= root.length; at = dirname(at)) syncFolder(at)
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
