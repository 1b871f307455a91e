import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { lengthPrefixed } from '../core/encoding.ts'
import { Fault } from '../core/fault.ts'
import {
  formatBatchSignature,
  formatContentDigest,
  newSigningKey,
  parseBatchSignature,
  parseContentDigest,
  parsePublicKey,
  parseSigningKey,
  sha256Of,
  signBatch,
  signReceipt,
  verifyBatch,
  verifyReceipt,
} from './signature.ts'

const key = parseSigningKey(newSigningKey())

describe('a signing key', () => {
  it('has the public half of RFC 8032 §7.1, test 1', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
    const id = parseSigningKey(`${seed.toString('base64')}\n`).id
    expect(Buffer.from(parsePublicKey(id)!).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    )
  })

  it.each(['', 'x', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64'), 'A'.repeat(44)])(
    'refuses %j without quoting it',
    (text) => {
      expect(() => parseSigningKey(text)).toThrow(Fault)
      expect(() => parseSigningKey(text)).toThrow(/^the key is not the base64 of 32 bytes$/)
    },
  )
})

describe('the signature of a batch', () => {
  const sha256 = sha256Of('the file')
  const signature = signBatch(key, 'krjp-quality', sha256)

  it('is over the bytes that POOL.md names', () => {
    const bytes = Buffer.concat([
      Buffer.from('sluice-batch/v1'),
      Buffer.of(0),
      lengthPrefixed('krjp-quality'),
      createHash('sha256').update('the file').digest(),
    ])
    expect(signature).toBe(sign(null, bytes, key.secret).toString('base64'))
  })

  it('verifies, and only for its pool, bytes, key and purpose', () => {
    const signed = { pool: 'krjp-quality', sha256, key: key.id, signature }
    expect(verifyBatch(signed)).toBe(true)
    expect(verifyBatch({ ...signed, pool: 'other' })).toBe(false)
    expect(verifyBatch({ ...signed, sha256: sha256Of('another') })).toBe(false)
    expect(verifyBatch({ ...signed, key: parseSigningKey(newSigningKey()).id })).toBe(false)
    expect(verifyBatch({ ...signed, purpose: 'withdrawal' })).toBe(false)
    expect(verifyBatch({ ...signed, signature: 'AAAA' })).toBe(false)
    expect(verifyBatch({ ...signed, key: 'ed25519:AAAA' })).toBe(false)
  })

  it('travels in a header', () => {
    const field = formatBatchSignature({ key: key.id, signature })
    expect(parseBatchSignature(`${field}\n`)).toEqual({ key: key.id, signature })
    expect(parseBatchSignature(field.slice(1))).toBeUndefined()
    expect(parseBatchSignature(undefined)).toBeUndefined()
  })
})

describe('a receipt', () => {
  const receipt = signReceipt(key, {
    v: 1,
    pool: 'p',
    contributor: 'C'.repeat(26),
    batch_id: 'B'.repeat(26),
    sha256: 'ab'.repeat(32),
    received: '2026-11-24T04:00:00.000Z',
  })

  it('is signed over its canonical JSON', () => {
    const { sig, ...rest } = receipt
    const json = `{"batch_id":"${rest.batch_id}","contributor":"${rest.contributor}","kid":"${key.id}","pool":"p","received":"${rest.received}","sha256":"${rest.sha256}","v":1}`
    expect(sig).toBe(sign(null, Buffer.from(`sluice-receipt/v1\0${json}`), key.secret).toString('base64'))
  })

  it('verifies against the pinned key, whatever it says of itself', () => {
    expect(verifyReceipt(receipt, key.id)).toBe(true)
    expect(verifyReceipt({ ...receipt, sha256: 'cd'.repeat(32) }, key.id)).toBe(false)
    const other = parseSigningKey(newSigningKey())
    expect(verifyReceipt(signReceipt(other, receipt), key.id)).toBe(false)
  })
})

describe('Content-Digest', () => {
  it('is the one of RFC 9530, appendix B.1', () => {
    const sha256 = sha256Of('{"hello": "world"}\n')
    expect(formatContentDigest(sha256)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
    expect(parseContentDigest(formatContentDigest(sha256))).toBe(sha256)
    expect(parseContentDigest(`sha-512=:AAAA:, ${formatContentDigest(sha256)}`)).toBe(sha256)
    expect(parseContentDigest('sha-256=:short=:')).toBeUndefined()
  })
})

it('refuses to take another kind of key for a public key', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  expect(parsePublicKey(publicKey.export({ format: 'pem', type: 'spki' }).toString())).toBeUndefined()
})
