import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRandom } from '../random.ts'
import { makeDisk, WEATHERS, type Weather } from './disk-model.ts'
import type { DiskOp } from './disk-trace.ts'

const write = (path: string, text: string, offset = 0): DiskOp => ({
  kind: 'write',
  path,
  offset,
  bytes: Buffer.from(text),
})
const sync = (path: string, since: number): DiskOp => ({ kind: 'sync', path, since })
const create = (path: string): DiskOp => ({ kind: 'create', path, truncates: true })

describe('a disk with a volatile cache', () => {
  let target: string
  beforeEach(() => {
    target = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  })
  afterEach(() => rmSync(target, { recursive: true, force: true }))

  function survivors(
    ops: readonly DiskOp[],
    weather: Weather,
    seed = 1,
    lies = false,
  ): Readonly<Record<string, string>> {
    const disk = makeDisk('/d', { lies })
    for (const [at, op] of ops.entries()) disk.take(op, at)
    rmSync(target, { recursive: true, force: true })
    disk.writeState(target, weather, makeRandom(seed))
    try {
      return Object.fromEntries(readdirSync(target).map((name) => [name, readFileSync(join(target, name), 'latin1')]))
    } catch {
      return {} // nothing was written
    }
  }

  it('keeps what was synced, name and bytes, in any weather', () => {
    const ops = [create('/d/a'), write('/d/a', 'safe'), sync('/d/a', 2), sync('/d', 3), write('/d/a', 'wild')]
    for (const weather of WEATHERS) {
      for (let seed = 0; seed < 20; seed++) expect(survivors(ops, weather, seed).a).toMatch(/^(safe|wild)$/)
    }
  })

  it('may lose a file whose folder was not synced, and bytes that were not', () => {
    expect(survivors([create('/d/a'), write('/d/a', 'x'), sync('/d/a', 2)], 'none')).toEqual({})
    expect(survivors([create('/d/a'), write('/d/a', 'x'), sync('/d', 2)], 'none')).toEqual({ a: '' })
  })

  it('syncs only what was begun before', () => {
    expect(survivors([create('/d/a'), sync('/d', 1), write('/d/a', 'x'), sync('/d/a', 2)], 'none')).toEqual({ a: '' })
  })

  it('has the old or the new name after a rename, and never none', () => {
    const ops: readonly DiskOp[] = [
      create('/d/a'),
      write('/d/a', 'old'),
      create('/d/b'),
      write('/d/b', 'new'),
      sync('/d/a', 4),
      sync('/d/b', 4),
      sync('/d', 6),
      { kind: 'rename', path: '/d/b', to: '/d/a' },
    ]
    const seen = new Set(Array.from({ length: 40 }, (_, seed) => survivors(ops, 'subset', seed).a))
    expect([...seen].sort()).toEqual(['new', 'old'])
  })

  it('tears writes at sectors', () => {
    const ops = [create('/d/a'), sync('/d', 1), write('/d/a', 'x'.repeat(1_024), 256)]
    const seen = new Set(Array.from({ length: 40 }, (_, seed) => survivors(ops, 'torn', seed).a))
    expect(seen).toContain('\0'.repeat(512) + 'x'.repeat(512))
    expect(seen.size).toBeGreaterThan(4)
  })

  it('loses everything where it lies', () => {
    const ops = [create('/d/a'), write('/d/a', 'x'), sync('/d/a', 2), sync('/d', 3)]
    expect(survivors(ops, 'none', 1, true)).toEqual({})
    expect(survivors(ops, 'none', 1, false)).toEqual({ a: 'x' })
  })
})
