import { createHash, createHmac, hash } from 'node:crypto'
import { type Estimate, estimate } from '../../attack/estimate.ts'
import { base32hex, lengthPrefixed } from '../../core/encoding.ts'
import { canonicalName } from '../../privacy/canonical.ts'
import { POOL, pseudonymsOf } from './plant.ts'

/**
 * A1: the attacker knows how machines are named and hashes every name there may be, in the forms that naive systems use
 * and with all keys that can be known from outside: none, the pool's id, its hash, an empty key.
 */
export function dictionary(names: number): { readonly keyed: Estimate; readonly unkeyed: Estimate } {
  const nameOf = (i: number): string => `PLT${i % 100}-LN${Math.floor(i / 100) % 20}-MC${Math.floor(i / 2_000)}`
  const machines = Array.from({ length: 100 }, (_, i) => nameOf(Math.floor((i * names) / 100)))
  const published = new Set(machines.map((name, id) => pseudonymsOf(id + 1).asset(0, name)))
  const control = new Set(machines.map(unkeyed))
  const keys = [Buffer.alloc(0), Buffer.alloc(32), Buffer.from(POOL), createHash('sha256').update(POOL).digest()]
  const zero = pseudonymsOf(0)
  let found = 0
  let foundUnkeyed = 0
  for (let i = 0; i < names; i++) {
    const name = nameOf(i)
    const canonical = canonicalName(name)
    const guesses = [
      name,
      ...['sha1', 'md5'].map((kind) => short(hash(kind, canonical, 'buffer'))),
      unkeyed(name),
      ...keys.map((key) => short(createHmac('sha256', key).update(lengthPrefixed(canonical)).digest())),
      zero.asset(0, name),
    ]
    if (guesses.some((guess) => published.has(guess))) found++
    if (guesses.some((guess) => control.has(guess))) foundUnkeyed++
  }
  return { keyed: estimate(found, machines.length, 0), unkeyed: estimate(foundUnkeyed, machines.length, 0) }
}

function unkeyed(name: string): string {
  return short(hash('sha256', canonicalName(name), 'buffer'))
}

function short(digest: Buffer): string {
  return base32hex(digest.subarray(0, 16))
}
