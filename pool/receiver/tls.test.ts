import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verdict } from '../../core/batch.ts'
import { silentLog } from '../../core/log.ts'
import { makeAuthority } from '../../test/support/mosquitto.ts'
import { makeSealInput, newKey, POOL, writeReceiverFiles } from '../../test/support/sealing.ts'
import { openHttpPool } from '../../uplink/http-pool.ts'
import { seal } from '../../uplink/seal.ts'
import { loadSetup } from './config.ts'
import { openReceiver, type Receiver } from './server.ts'

const plant = newKey()
const never = new AbortController().signal

describe('over TLS, with client certificates', () => {
  let folder: string
  let receiver: Receiver
  let receipt_key: string
  let pem: Record<'server' | 'client' | 'stranger', { cert: string; key: string }>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
    // Each is its own authority, which is all that is needed to tell them apart.
    const make = async (name: string): Promise<{ cert: string; key: string }> => {
      await mkdir(join(folder, name))
      const cert = await makeAuthority(join(folder, name), name === 'server' ? 'localhost' : name)
      return { cert, key: await readFile(join(folder, name, 'ca.key'), 'utf8') }
    }
    pem = { server: await make('server'), client: await make('client'), stranger: await make('stranger') }
    const listen = 'listen: { port: 0, tls: { cert: server/ca.pem, key: server/ca.key, client_ca: client/ca.pem } }'
    const files = writeReceiverFiles(folder, { plant: plant.id }, { listen })
    receipt_key = files.receipt_key
    receiver = await openReceiver(loadSetup(files.config), silentLog)
  })
  afterAll(async () => {
    await receiver[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  async function deliver(tls: { ca?: string; cert?: string; key?: string }): Promise<Verdict> {
    const url = receiver.url.replace('127.0.0.1', 'localhost')
    await using pool = openHttpPool({ name: POOL, url, receipt_key, timeout: 10_000, tls })
    const v = await pool.deliver(seal(makeSealInput({ signing: plant })), never); if (v.kind !== 'accepted') console.log(v.fault.message, v.fault.cause, url); return v
  }

  it('takes a batch from a client whose certificate it knows', async () => {
    expect(await deliver({ ca: pem.server.cert, ...pem.client })).toMatchObject({ kind: 'accepted' })
  })

  it.each([
    {
      name: 'a server that its authority did not sign',
      tls: () => ({ ca: pem.stranger.cert, ...pem.client }),
      code: 'pool-tls',
    },
    { name: 'a server without a private authority', tls: () => pem.client, code: 'pool-tls' },
  ])('sends nothing to $name', async ({ tls, code }) => {
    expect(await deliver(tls())).toMatchObject({ kind: 'retry', fault: { code } })
  })

  it.each([
    { name: 'no certificate', tls: () => ({ ca: pem.server.cert }) },
    { name: 'a certificate of someone else', tls: () => ({ ca: pem.server.cert, ...pem.stranger }) },
  ])('takes nothing from a client with $name', async ({ tls }) => {
    expect(await deliver(tls())).toMatchObject({ kind: 'retry' })
  })
})
