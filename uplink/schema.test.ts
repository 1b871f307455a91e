import { describe, expect, it } from 'vitest'
import { CERTIFICATE } from '../test/support/pem.ts'
import { poolSchema } from './schema.ts'

const receipt_key = `ed25519:${Buffer.alloc(32, 7).toString('base64')}`
const http = { url: 'https://pool.example.org', policy: 'disclosure.yaml', signing_key: 'k', receipt_key }
const folder = { dir: '/media/usb/outgoing', policy: 'disclosure.yaml', signing_key: 'k' }

describe('a pool', () => {
  it('is reached over HTTP or in a folder', () => {
    expect(poolSchema.parse(http)).toEqual({ ...http, timeout: 60_000, order: 'fresh_first' })
    expect(poolSchema.parse(folder)).toEqual({ ...folder, timeout: 60_000, order: 'fresh_first' })
  })

  it('may be sent to by the clock, through a proxy and not too fast', () => {
    const limits = { window: '22:00-06:00', zone: 'Asia/Seoul', daily_budget: '50MB', max_rate: '64KB' }
    const proxy = { url: 'http://proxy.plant:3128', username: 'sluice', password: 'hunter2' }
    expect(poolSchema.parse({ ...http, ...limits, proxy })).toMatchObject({
      window: { from: 1_320, until: 360 },
      daily_budget: 50e6,
      max_rate: 64_000,
      proxy,
    })
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
    { of: { ...http, window: '22-6', zone: 'UTC' }, path: ['window'], says: 'is not a window' },
    { of: { ...http, window: '22:00-06:00' }, path: ['window'], says: 'zone is missing' },
    { of: { ...http, daily_budget: '1MB' }, path: ['daily_budget'], says: 'zone is missing' },
    { of: { ...http, zone: 'UTC' }, path: ['zone'], says: 'zone without' },
    { of: { ...folder, max_rate: '1KB' }, path: ['max_rate'], says: 'a folder needs no max_rate' },
    { of: { ...http, proxy: { url: 'https://p:1' } }, path: ['proxy', 'url'], says: 'not the address of a proxy' },
    { of: { ...http, proxy: { url: 'http://a:b@p:1' } }, path: ['proxy', 'url'], says: 'contains credentials' },
    {
      of: { ...http, proxy: { url: 'http://p:1', username: 'u' } },
      path: ['proxy', 'username'],
      says: 'username without password',
    },
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
