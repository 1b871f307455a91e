import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../core/log.ts'
import { makeSealInput, newKey, POOL, writeReceiverFiles } from '../../test/support/sealing.ts'
import { openHttpPool } from '../../uplink/http-pool.ts'
import { seal } from '../../uplink/seal.ts'
import { loadSetup } from './config.ts'
import { openReceiver, type Receiver } from './server.ts'

const run = promisify(execFile)
const plant = newKey()
const never = new AbortController().signal

const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)
if (!openssl && process.env.REQUIRE_SERVICES === '1')
  throw new Error('openssl is not installed (apt-get install openssl)')

describe.skipIf(!openssl)('over TLS, with client certificates', () => {
  let folder: string
  let receiver: Receiver
  let receipt_key: string
  let pem: Record<'server' | 'client' | 'stranger', { cert: string; key: string }>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
    // Each is its own authority, which is all that is needed to tell them apart.
    const make = async (name: string): Promise<{ cert: string; key: string }> => {
      const at = (file: string): string => join(folder, name, file)
      await mkdir(join(folder, name))
      const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
      await run('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', at('key.pem'), '-out', at('cert.pem')])
      return { cert: await readFile(at('cert.pem'), 'utf8'), key: await readFile(at('key.pem'), 'utf8') }
    }
    pem = { server: await make('server'), client: await make('client'), stranger: await make('stranger') }
    const listen =
      'listen: { port: 0, tls: { cert: server/cert.pem, key: server/key.pem, client_ca: client/cert.pem } }'
    const files = writeReceiverFiles(folder, { plant: plant.id }, { listen })
    receipt_key = files.receipt_key
    receiver = await openReceiver(loadSetup(files.config), silentLog)
  })
  afterAll(async () => {
    await receiver[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  async function deliver(tls: { ca?: string; cert?: string; key?: string }): Promise<string> {
    const { url } = receiver
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
