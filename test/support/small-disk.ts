import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeBytes } from '../../buffer/free-disk.ts'

/** A file system of its own in memory. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** What another program writes: all that is left but `left` bytes. */
  fillUp(left?: number): void
  /** Takes that away again. */
  makeRoom(): void
}

/** Whether one can be mounted here; an error where it cannot and REQUIRE_SERVICES=1. */
export function canMount(): boolean {
  try {
    mountSmallDisk(1)[Symbol.dispose]()
    return true
  } catch (cause) {
    const missing = 'a small tmpfs cannot be mounted (that needs root)'
    if (process.env.REQUIRE_SERVICES === '1') throw new Error(missing, { cause })
    console.warn(`${missing}: tests with a full disk are skipped`)
    return false
  }
}

/** Mounts a tmpfs of `megabytes` in the temporary directory. */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'sluice-tmpfs-'))
  const others = join(path, 'others')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(path)
    throw error
  }
  return {
    path,
    fillUp: (left = 0) => writeFileSync(others, Buffer.alloc(Math.max(0, freeBytes(path) - left)), { flag: 'a' }),
    makeRoom: () => rmSync(others, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', [path])
      rmdirSync(path)
    },
  }
}
