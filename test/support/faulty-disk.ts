import { execFileSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { compileC } from './compile-c.ts'

/** What a disk does: everything right, refuse writes, or sync slowly (ms). */
export type DiskState = 'right' | { readonly fail: 'EIO' | 'ENOSPC' | 'EROFS' } | { readonly slow: number }

/** A disk of a folder that fails on command, for programs that are started with `env`. */
export interface FaultyDisk {
  readonly env: Readonly<Record<string, string>>
  become(state: DiskState): void
  /** calls refused so far */
  refused(): number
}

/** Whether it can be compiled here; an error where it cannot and REQUIRE_SERVICES=1. */
export function hasCompiler(): boolean {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' })
    return true
  } catch (cause) {
    if (process.env.REQUIRE_SERVICES === '1') throw new Error('gcc is not installed', { cause })
    console.warn('gcc is not installed: tests with a failing disk are skipped')
    return false
  }
}

/** @param folder absolute path of the folder whose files it stands before @param control a path outside of it */
export async function makeFaultyDisk(folder: string, control: string): Promise<FaultyDisk> {
  const library = await compileC('faulty-disk.c', ['-shared', '-fPIC', '-ldl'])
  const become = (state: DiskState): void => writeFileSync(control, lineOf(state))
  become('right')
  return {
    env: { LD_PRELOAD: library, FAULTY_DISK_DIR: folder, FAULTY_DISK_CONTROL: control },
    become,
    refused: () => statSync(`${control}.refused`, { throwIfNoEntry: false })?.size ?? 0,
  }
}

function lineOf(state: DiskState): string {
  if (state === 'right') return ''
  return 'fail' in state ? `fail ${constants.errno[state.fail]}` : `slow ${state.slow}`
}
