import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { base32hex, canonicalJson, lengthPrefixed, u32be } from '../core/encoding.ts'
import { Fault } from '../core/fault.ts'
import { canonicalName } from './canonical.ts'

/**
 * The 32 bytes of a plant key from the text of its file: one line of base64.
 * @throws Fault `key-invalid`; the message holds nothing of the key
 */
export function parsePlantKey(text: string): Uint8Array {
  const line = text.trim()
  const bytes = Buffer.from(line, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== line)
    throw new Fault('key-invalid', {}, 'the plant key is not one line of base64 that stands for 32 bytes')
  return new Uint8Array(bytes)
}

/** The names under which a plant appears at one pool; `epoch` is the index in the contract's `epochs`. */
export interface Pseudonyms {
  /** 128 bits in base32hex; names with one canonical form get one pseudonym */
  asset(epoch: number, name: string): string
  /** the plant itself, 128 bits in base32hex */
  contributor(epoch: number): string
  /** a data folder's stream of batches, from its 8 secret bytes: 64 bits in base32hex */
  stream(epoch: number, secret: Uint8Array): string
  /** SHA-256 over the epoch's salt and the canonical JSON of the policy, hex; the plant key is never part of it */
  policyHash(epoch: number, policy: unknown): string
}

/** The key schedule of PRIVACY.md, *Pseudonyms*, for one pool. `plantKey` is 32 bytes. */
export function makePseudonyms(plantKey: Uint8Array, pool: string): Pseudonyms {
  const salt = createHash('sha256').update(pool).digest()
  const keys = new Map<string, Buffer>()

  function fieldKey(epoch: number, field: string): Buffer {
    const held = keys.get(`${epoch} ${field}`)
    if (held) return held
    const poolKey = derive(plantKey, salt, Buffer.concat([Buffer.from('pseudonym/v1\0'), u32be(epoch)]))
    const key = derive(poolKey, new Uint8Array(), Buffer.from(`field\0${field}`))
    keys.set(`${epoch} ${field}`, key)
    return key
  }

  const pseudonym = (epoch: number, field: string, value: string): string =>
    base32hex(
      createHmac('sha256', fieldKey(epoch, field))
        .update(lengthPrefixed(canonicalName(value)))
        .digest()
        .subarray(0, 16),
    )

  return {
    asset: (epoch, name) => pseudonym(epoch, 'asset', name),
    contributor: (epoch) => pseudonym(epoch, 'contributor', pool),
    stream: (epoch, secret) =>
      base32hex(createHmac('sha256', fieldKey(epoch, 'stream')).update(secret).digest().subarray(0, 8)),
    policyHash: (epoch, policy) =>
      createHash('sha256')
        .update(fieldKey(epoch, 'policy'))
        .update(canonicalJson(withoutPlantKey(policy)))
        .digest('hex'),
  }
}

/**
 * SHA-256 over the canonical JSON of a policy without its plant key, hex: names its content inside the plant. Manifests
 * carry `policyHash`, which cannot be compared without the key.
 */
export function policyContentHash(policy: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(withoutPlantKey(policy)))
    .digest('hex')
}

function derive(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', ikm, salt, info, 32))
}

function withoutPlantKey(policy: unknown): unknown {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return policy
  const { plant_key: _, ...rest } = policy as Readonly<Record<string, unknown>>
  return rest
}
