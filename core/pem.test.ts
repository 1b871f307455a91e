import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { pemCertificate, pemKey } from './pem.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString()

describe('PEM', () => {
  it.each([
    ['a key', pemKey, plain, undefined],
    ['a key with a passphrase', pemKey, locked, 'the key is protected by a passphrase'],
    ['no key', pemKey, 'x', 'what it holds is not a private key in PEM'],
    ['a key for a certificate', pemCertificate, plain, 'what it holds is not a certificate in PEM'],
    ['text for a certificate', pemCertificate, 'x', 'what it holds is not a certificate in PEM'],
  ])('%s is told', (_, schema, text, message) => {
    expect(schema.safeParse(text).error?.issues[0]?.message).toBe(message)
  })
})
