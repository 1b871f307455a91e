import { describe, expect, it } from 'vitest'
import { CERTIFICATE } from '../test/support/pem.ts'
import { poolSchema } from './schema.ts'

const receipt_key = `ed25519:${Buffer.alloc(32, 7).toString('base64')}`
const http = { url: 'https://pool.example.org', policy: 'disclosure.yaml', signing_key: 'k', receipt_key }
const folder = { dir: '/media/usb/outgoing', policy: 'disclosure.yaml', signing_key: 'k' }

describe('a pool', () => {
  it('is reached over HTTP or in a folder', () => {
    expect(poolSchema.parse(http)).toEqual({ ...http, timeout: 60_000 })
    expect(poolSchema.parse(folder)).toEqual({ ...folder, timeout: 60_000 })
  })

  it.each([
    { of: { policy: 'p', signing_key: 'k' }, path: [], says: 'neither url nor dir' },
    { of: { ...http, dir: '/x' }, path: ['dir'], says: 'both url and dir' },
    { of: { ...http, receipt_key: undefined }, path: ['url'], says: 'receipt_key is missing' },
    { of: { ...folder, receipt_key }, path: ['receipt_key'], says: 'a folder gives no receipts' },
    { of: { ...http, receipt_key: 'ed25519:abc' }, path: ['receipt_key'], says: 'not a public key' },
    { of: { ...http, url: 'ftp://pool' }, path: ['url'], says: 'not the address of a pool' },
    { of: { ...http, url: 'pool.example.org' }, path: ['url'], says: 'not the address of a pool' },
    { of: { ...http, url: 'https://a:b@pool' }, path: ['url'], says: 'contains credentials' },
    { of: { ...http, url: 'https://pool/?a=b' }, path: ['url'], says: 'query or fragment' },
    { of: { ...http, tls: { cert: CERTIFICATE } }, path: ['tls', 'cert'], says: 'cert without key' },
    { of: { ...http, url: 'http://pool', tls: { ca: CERTIFICATE } }, path: ['tls'], says: 'tls needs an https:// url' },
    { of: { ...http, timeout: '20ms' }, path: ['timeout'], says: 'out of range' },
  ])('$says', ({ of, path, says }) => {
    const issue = poolSchema.safeParse(of).error!.issues[0] as {
      path: unknown
      message: string
      params?: { hint?: string }
    }
    expect(issue.path).toEqual(path)
    expect(issue.message).toContain(says)
    expect(issue.params?.hint).toBeTruthy()
  })

  it('does not repeat the credentials of an address', () => {
    const { issues } = poolSchema.safeParse({ ...http, url: 'https://user:hunter2@pool' }).error!
    expect(JSON.stringify(issues)).not.toContain('hunter2')
  })
})
