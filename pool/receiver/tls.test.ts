import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeSealInput, newKey, POOL } from '../../test/support/sealing.ts'
import { openssl, startTlsReceiver, type TlsReceiver } from '../../test/support/tls-receiver.ts'
import { openHttpPool } from '../../uplink/http-pool.ts'
import { seal } from '../../uplink/seal.ts'

const plant = newKey()
const never = new AbortController().signal

describe.skipIf(!openssl)('over TLS, with client certificates', () => {
  let receiver: TlsReceiver
  let pem: TlsReceiver['pem']
  beforeAll(async () => {
    receiver = await startTlsReceiver({ plant: plant.id })
    pem = receiver.pem
  })
  afterAll(() => receiver[Symbol.asyncDispose]())

  async function deliver(tls: { ca?: string; cert?: string; key?: string }): Promise<string> {
    const { url, receipt_key } = receiver
    await using pool = openHttpPool({ name: POOL, url, receipt_key, timeout: 10_000, tls })
    const verdict = await pool.deliver(seal(makeSealInput({ signing: plant })), never)
    return verdict.kind === 'accepted' ? 'accepted' : `${verdict.kind} ${verdict.fault.code}: ${verdict.fault.message}`
  }

  it('takes a batch from a client whose certificate it knows', async () => {
    expect(await deliver({ ca: pem.server.cert, ...pem.client })).toBe('accepted')
  })

  it.each([
    {
      name: 'a server that its authority did not sign',
      tls: () => ({ ca: pem.stranger.cert, ...pem.client }),
      code: 'pool-tls',
    },
    { name: 'a server without a private authority', tls: () => pem.client },
  ])('sends nothing to $name', async ({ tls }) => {
    expect(await deliver(tls())).toMatch(/^retry pool-tls: /)
  })

  it.each([
    { name: 'no certificate', tls: () => ({ ca: pem.server.cert }) },
    { name: 'a certificate of someone else', tls: () => ({ ca: pem.server.cert, ...pem.stranger }) },
  ])('takes nothing from a client with $name', async ({ tls }) => {
    expect(await deliver(tls())).toMatch(/^retry pool-(tls|unreachable): /)
  })
})
