import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Verdict } from '../core/batch.ts'
import { startReceiver, type TestReceiver } from '../test/support/receiver.ts'
import { makeSealInput, newKey, POOL } from '../test/support/sealing.ts'
import { openssl, type Pem, startTlsReceiver, type TlsReceiver } from '../test/support/tls-receiver.ts'
import { openWebProxy } from '../test/support/web-proxy.ts'
import { type HttpPoolOptions, openHttpPool } from './http-pool.ts'
import { makeSchedule } from './schedule.ts'
import { poolSchema } from './schema.ts'
import { seal } from './seal.ts'

const plant = newKey()
const never = new AbortController().signal
let seq = 0
const nextBatch = () => seal(makeSealInput({ signing: plant, seq: seq++ }))
const told = (verdict: Verdict): string =>
  verdict.kind === 'accepted' ? 'accepted' : `${verdict.kind} ${verdict.fault.code}: ${verdict.fault.message}`

async function deliver(options: Partial<HttpPoolOptions> & Pick<HttpPoolOptions, 'url' | 'receipt_key'>) {
  await using pool = openHttpPool({ name: POOL, timeout: 10_000, ...options })
  return told(await pool.deliver(nextBatch(), never))
}

describe('through a proxy', () => {
  let receiver: TestReceiver
  beforeAll(async () => {
    receiver = await startReceiver({ plant: plant.id })
  })
  afterAll(() => receiver[Symbol.asyncDispose]())
  const to = () => ({ url: receiver.url, receipt_key: receiver.receipt_key })

  it('requests to an http pool go in absolute form, with credentials', async () => {
    await using proxy = await openWebProxy('pass', 'us er@:p:%40ss')
    const credentials = { username: 'us er@', password: 'p:%40ss' }
    expect(await deliver({ ...to(), proxy: { url: proxy.url, ...credentials } })).toBe('accepted')
    expect(proxy.passed).toEqual([expect.stringMatching(`^PUT ${receiver.url}/v1/pools/${POOL}/batches/`)])
  })

  it.each([
    {
      name: 'asks for other credentials',
      act: 'pass',
      wants: 'a:b',
      says: /^hold pool-proxy: the proxy answered 407$/,
    },
    { name: 'forbids the pool', act: 403, says: /^hold pool-identity: / },
    { name: 'cannot reach the pool', act: 502, says: /^retry pool-unavailable: / },
    { name: 'says nothing', act: 'silent', says: /^retry pool-unreachable: no answer in time$/ },
  ] as const)('that $name', async ({ act, says, ...rest }) => {
    await using proxy = await openWebProxy(act, 'wants' in rest ? rest.wants : undefined)
    expect(await deliver({ ...to(), proxy: { url: proxy.url }, timeout: 1_000 })).toMatch(says)
  })

  it('that is not there', async () => {
    expect(await deliver({ ...to(), proxy: { url: 'http://127.0.0.1:1' } })).toBe(
      'retry pool-unreachable: ECONNREFUSED',
    )
  })
})

describe.skipIf(!openssl)('over TLS', () => {
  let receiver: TlsReceiver
  beforeAll(async () => {
    receiver = await startTlsReceiver({ plant: plant.id })
  })
  afterAll(() => receiver[Symbol.asyncDispose]())
  const to = () => ({ url: receiver.url, receipt_key: receiver.receipt_key })
  const tls = () => ({ ca: receiver.pem.server.cert, cert: receiver.pem.client.cert, key: receiver.pem.client.key })

  it('goes through a tunnel, with credentials', async () => {
    await using proxy = await openWebProxy('pass', 'sluice:hunter2')
    const options = { url: proxy.url, username: 'sluice', password: 'hunter2' }
    expect(await deliver({ ...to(), tls: tls(), proxy: options })).toBe('accepted')
    expect(proxy.passed).toEqual([`CONNECT ${new URL(receiver.url).host}`])
  })

  it.each([
    { name: 'asks for credentials', act: 407, says: /^hold pool-proxy: the proxy answered 407$/ },
    { name: 'forbids the pool', act: 403, says: /^hold pool-proxy: the proxy answered 403$/ },
    { name: 'cannot reach the pool', act: 503, says: /^retry pool-unreachable: ERR_PROXY_TUNNEL$/ },
    { name: 'says nothing', act: 'silent', says: /^retry pool-unreachable: no answer in time$/ },
  ] as const)('waits where a proxy $name', async ({ act, says }) => {
    await using proxy = await openWebProxy(act)
    expect(await deliver({ ...to(), tls: tls(), proxy: { url: proxy.url }, timeout: 1_000 })).toMatch(says)
  })

  it('costs no more than the daily budget is charged with', async () => {
    await using proxy = await openWebProxy()
    await using pool = openHttpPool({ name: POOL, timeout: 10_000, ...to(), tls: tls(), proxy: { url: proxy.url } })
    const batch = nextBatch()
    expect(told(await pool.deliver(batch, never))).toBe('accepted')
    const { budget } = makeSchedule({ ...minimal, daily_budget: 1e6, zone: 'UTC' })
    expect(proxy.bytes).toBeGreaterThan(batch.bytes.length)
    expect(proxy.bytes).toBeLessThan(budget!.cost(batch.bytes.length))
  })

  describe('certificates that change on disk', () => {
    let folder: string
    let files: { ca: string; cert: string; key: string }
    beforeEach(() => {
      folder = mkdtempSync(join(receiver.folder, 'plant-'))
      files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'client.pem'), key: join(folder, 'client.key') }
      copyFileSync(receiver.pem.server.files.cert, files.ca)
      put(receiver.pem.client)
      return () => rmSync(folder, { recursive: true })
    })
    function put({ files: from }: Pem): void {
      copyFileSync(from.cert, files.cert)
      copyFileSync(from.key, files.key)
    }
    function open() {
      const alarms: (string | null)[] = []
      const onTls = (fault: { readonly message: string } | null) => void alarms.push(fault?.message ?? null)
      const pool = openHttpPool({ name: POOL, timeout: 10_000, ...to(), tls: tls(), tls_files: files, onTls })
      return { alarms, pool }
    }

    it('are used from the next batch on', async () => {
      const { pool, alarms } = open()
      await using _ = pool
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      put(receiver.pem.stranger)
      expect(told(await pool.deliver(nextBatch(), never))).toMatch(/^retry /) // over a new connection, or it would pass
      put(receiver.pem.renewed)
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      expect(alarms).toEqual([])
    })

    it('since the configuration was read are used from the start', async () => {
      const stale = { ...to(), tls: { ...tls(), cert: 'half a certif' } }
      expect(await deliver({ ...stale, tls_files: files })).toBe('accepted')
      await expect(deliver(stale)).rejects.toMatchObject({ code: 'pool-tls' })
    })

    it('and will not do leave those before them in use, with an alarm until they do', async () => {
      const { pool, alarms } = open()
      await using _ = pool
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      writeFileSync(files.cert, 'half a certif')
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      copyFileSync(receiver.pem.renewed.files.cert, files.cert) // its key is still to come
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      rmSync(files.key)
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      expect(alarms).toEqual([
        expect.stringMatching(/^a certificate or key of tls cannot be used: ERR_/),
        expect.stringMatching(/^a certificate or key of tls cannot be used: ERR_/),
        'the key cannot be read: ENOENT',
      ])
      put(receiver.pem.renewed)
      expect(told(await pool.deliver(nextBatch(), never))).toBe('accepted')
      expect(alarms.at(-1)).toBeNull()
    })
  })
})

const minimal = poolSchema.parse({ url: 'http://x', policy: 'p', signing_key: 'k', receipt_key: plant.id })
