import { z } from 'zod'
import { AUDIT_KINDS, GENESIS, hashLeaf, type Leaf } from './audit.ts'
import { canonicalJson } from './encoding.ts'

const head = {
  v: z.literal(1),
  n: z.int().min(0),
  at: z.iso.datetime(),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
}
const text = z.string()
const receipt = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('signed'), kid: text, sig: text }),
  z.looseObject({ kind: z.literal('file') }),
])

/** Whatever is looked at in a leaf is as its type says; the rest is hashed and no more. */
const leafSchema = z.discriminatedUnion('kind', [
  z.looseObject({ ...head, kind: z.literal('delivered'), pool: text, batch: text, sha256: text, receipt }),
  z.looseObject({ ...head, kind: z.literal('key_rotated'), before: text, after: text }),
  z.looseObject({ ...head, kind: z.literal('given_up'), before: z.int(), hash: text }),
  z.looseObject({ ...head, kind: z.enum(AUDIT_KINDS).exclude(['delivered', 'key_rotated', 'given_up']) }),
])

/** The leaf of a text, or undefined where that is not the canonical text of one. */
export function readLeaf(text: string): Leaf | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return leafSchema.safeParse(value).success && canonicalJson(value) === text ? (value as Leaf) : undefined
  } catch {
    return undefined // no JSON
  }
}

/** A place where a chain does not hold. */
export type ChainBreak =
  /** the leaf that follows on `n - 1` is none */
  | { readonly kind: 'malformed'; readonly n: number }
  /** leaves from `n` up to `until` are not there */
  | { readonly kind: 'missing'; readonly n: number; readonly until: number }
  /** leaf `n` does not follow on the one before: one of them is not as it was written */
  | { readonly kind: 'altered'; readonly n: number }
  /** the log begins at `n`, and no leaf says that what was before was given up */
  | { readonly kind: 'beheaded'; readonly n: number }

/** Follows a chain of leaves, one after the other, and finds where it does not hold. */
export interface Chain {
  /** @returns the leaf and its hash; undefined where the text is none */
  take(text: string): { readonly leaf: Leaf; readonly hash: string } | undefined
  /** so many leaves were taken */
  readonly taken: number
  /** place of the first leaf, and the place after the last one */
  readonly first: number
  readonly size: number
  /** of the last leaf */
  readonly hash: string
  /** Call once all leaves were taken. */
  breaks(): readonly ChainBreak[]
}

/** @param after where the chain goes on; from its beginning where absent */
export function makeChain(after?: { readonly size: number; readonly hash: string }): Chain {
  let [taken, first] = [0, after?.size ?? 0]
  let size = after?.size ?? 0
  let hash = after?.hash ?? GENESIS
  /** what the first leaf follows on, where it is not the beginning */
  let base: { readonly n: number; readonly prev: string } | undefined
  const givenUp = new Set<string>()
  const found: ChainBreak[] = []

  return {
    take(text) {
      const leaf = readLeaf(text)
      const own = hashLeaf(text)
      if (!leaf) {
        found.push({ kind: 'malformed', n: size })
        ;[taken, size, hash] = [taken + 1, size + 1, own]
        return undefined
      }
      const { n, prev } = leaf
      if (taken === 0 && !after) first = n
      if (taken === 0 && !after && n > 0) base = { n, prev }
      else {
        if (n !== size) found.push(n > size ? { kind: 'missing', n: size, until: n } : { kind: 'altered', n })
        if (prev !== hash) found.push({ kind: 'altered', n })
      }
      if (leaf.kind === 'given_up') givenUp.add(`${leaf.before} ${leaf.hash}`)
      ;[taken, size, hash] = [taken + 1, n + 1, own]
      return { leaf, hash }
    },
    get taken() {
      return taken
    },
    get first() {
      return first
    },
    get size() {
      return size
    },
    get hash() {
      return hash
    },
    breaks: () =>
      base && !givenUp.has(`${base.n} ${base.prev}`) ? [{ kind: 'beheaded', n: base.n }, ...found] : found,
  }
}
