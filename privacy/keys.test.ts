import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, lengthPrefixed } from '../core/encoding.ts'
import { FAULTS, Fault } from '../core/fault.ts'
import { canonicalName } from './canonical.ts'
import { makePseudonyms, parsePlantKey } from './keys.ts'

interface Vectors {
  readonly canonical: readonly { readonly name: string; readonly why: string; readonly canonical: string }[]
  readonly policy: Readonly<Record<string, unknown>>
  readonly policy_jcs: string
  readonly vectors: readonly {
    readonly plant_key: string
    readonly pool: string
    readonly epoch: number
    readonly field_keys: Readonly<Record<'asset' | 'contributor' | 'stream' | 'policy', string>>
    readonly assets: readonly { readonly name: string; readonly pseudonym: string }[]
    readonly contributor: string
    readonly stream: { readonly secret: string; readonly pseudonym: string }
    readonly policy_hash: string
  }[]
}

/** Published, and made by another program in another language: see the file's own description. */
const { canonical, policy, policy_jcs, vectors }: Vectors = JSON.parse(
  readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'),
)
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

describe('the canonical form of a name', () => {
  it.each(canonical)('$why: $name is $canonical', ({ name, canonical }) => expect(canonicalName(name)).toBe(canonical))

  it('is its own canonical form, and that of all its Unicode forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const once = canonicalName(text)
        expect(canonicalName(once)).toBe(once)
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) expect(canonicalName(text.normalize(form))).toBe(once)
      }),
    )
  })
})

describe.each(vectors)('vector: pool $pool, epoch $epoch', (vector) => {
  const pseudonyms = makePseudonyms(parsePlantKey(`${vector.plant_key}\n`), vector.pool)

  it.each(vector.assets)('names $name', ({ name, pseudonym }) => {
    expect(pseudonyms.asset(vector.epoch, name)).toBe(pseudonym)
    const mac = createHmac('sha256', hex(vector.field_keys.asset))
      .update(lengthPrefixed(canonicalName(name)))
      .digest()
    expect(base32hexBytes(pseudonym, 16)).toEqual(mac.subarray(0, 16))
  })

  it('names the contributor', () => expect(pseudonyms.contributor(vector.epoch)).toBe(vector.contributor))

  it('names the stream', () =>
    expect(pseudonyms.stream(vector.epoch, hex(vector.stream.secret))).toBe(vector.stream.pseudonym))

  it('salts the hash of the policy', () => {
    expect(canonicalJson(policy)).toBe(policy_jcs)
    expect(pseudonyms.policyHash(vector.epoch, policy)).toBe(vector.policy_hash)
    const salted = createHash('sha256').update(hex(vector.field_keys.policy)).update(policy_jcs)
    expect(salted.digest('hex')).toBe(vector.policy_hash)
  })
})

describe('pseudonyms', () => {
  const plant = new Uint8Array(32).fill(1)
  const ours = makePseudonyms(plant, 'krjp')

  it('are the same on every gateway of a plant, in whatever order they are asked for', () => {
    const other = makePseudonyms(plant.slice(), 'krjp')
    const epochs = [3, 0, 1]
    const names = (of: typeof ours, order: readonly number[]) =>
      order.map((epoch) => [of.contributor(epoch), of.asset(epoch, 'a'), of.asset(epoch, 'b')])
    expect(names(other, epochs.toReversed()).toReversed()).toEqual(names(ours, epochs))
  })

  it('have 128 bits, in letters that sort as the bytes do', () => {
    expect(ours.asset(0, 'press-7')).toMatch(/^[0-9A-V]{26}$/)
    expect(ours.contributor(0)).toMatch(/^[0-9A-V]{26}$/)
    expect(ours.stream(0, new Uint8Array(8))).toMatch(/^[0-9A-V]{13}$/)
  })

  it.each([
    ['plant', makePseudonyms(new Uint8Array(32).fill(2), 'krjp'), 0],
    ['pool', makePseudonyms(plant, 'krjq'), 0],
    ['epoch', ours, 1],
  ])('all differ from those of another %s', (_, theirs, epoch) => {
    expect(theirs.asset(epoch, 'krjp')).not.toBe(ours.asset(0, 'krjp'))
    expect(theirs.contributor(epoch)).not.toBe(ours.contributor(0))
    expect(theirs.stream(epoch, new Uint8Array(8))).not.toBe(ours.stream(0, new Uint8Array(8)))
    expect(theirs.policyHash(epoch, policy)).not.toBe(ours.policyHash(0, policy))
  })

  it('differ between fields: an asset named as the pool is not the contributor', () =>
    expect(ours.asset(0, 'krjp')).not.toBe(ours.contributor(0)))
})

describe('the hash of a policy', () => {
  const ours = makePseudonyms(new Uint8Array(32).fill(1), 'krjp')
  it('does not depend on the plant key that stands in it, nor on the order of its keys', () => {
    const turned = Object.fromEntries(Object.entries({ ...policy, plant_key: 'secret' }).toReversed())
    expect(ours.policyHash(0, turned)).toBe(ours.policyHash(0, policy))
  })

  it('depends on everything else', () => {
    expect(ours.policyHash(0, { ...policy, version: 2 })).not.toBe(ours.policyHash(0, policy))
    const nested = { ...policy, assets: { plant_key: 'an asset of that name' } }
    expect(ours.policyHash(0, nested)).not.toBe(ours.policyHash(0, { ...policy, assets: {} }))
  })
})

describe('a plant key', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
  const line = Buffer.from(bytes).toString('base64')

  it.each([
    ['as one line', line],
    ['with its newline', `${line}\n`],
    ['with a newline of Windows', `${line}\r\n`],
  ])('is read %s', (_, text) => expect(parsePlantKey(text)).toEqual(bytes))

  it.each([
    ['empty', ''],
    ['of 31 bytes', Buffer.from(bytes.subarray(1)).toString('base64')],
    ['of 33 bytes', Buffer.from([...bytes, 1]).toString('base64')],
    ['in hex', Buffer.from(bytes).toString('hex')],
    ['in base64url', Buffer.from(bytes).toString('base64url')],
    ['without its padding', line.replace('=', '')],
    ['on two lines', `${line.slice(0, 20)}\n${line.slice(20)}`],
    ['twice', `${line}\n${line}`],
    ['of no base64', '!'.repeat(44)],
  ])('is refused %s, and the fault says nothing of it', (_, text) => {
    const fault = faultOf(() => parsePlantKey(text))
    expect(fault.code).toBe('key-invalid')
    expect(FAULTS['key-invalid']).toBeDefined()
    const said = `${fault.message} ${JSON.stringify(fault)} ${fault.stack}`
    if (text !== '') expect(said).not.toContain(text.slice(0, 12))
  })
})

function faultOf(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('no fault was thrown')
}

/** The first `n` bytes that a base32hex text stands for. */
function base32hexBytes(text: string, n: number): Buffer {
  const bits = [...text].map((letter) => Number.parseInt(letter, 32).toString(2).padStart(5, '0')).join('')
  return Buffer.from(Array.from({ length: n }, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2)))
}
