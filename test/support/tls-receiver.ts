import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLog } from '../../core/log.ts'
import { loadSetup } from '../../pool/receiver/config.ts'
import { openReceiver } from '../../pool/receiver/server.ts'
import { writeReceiverFiles } from './sealing.ts'

const run = promisify(execFile)

/** Whether certificates can be made here. */
export const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)
if (!openssl && process.env.REQUIRE_SERVICES === '1')
  throw new Error('openssl is not installed (apt-get install openssl)')

/** A certificate and its key in PEM, and the files that hold them. */
export interface Pem {
  readonly cert: string
  readonly key: string
  readonly files: { readonly cert: string; readonly key: string }
}

/** The reference pool over TLS, which takes batches from clients whose certificates it knows: `client` and `renewed`. */
export interface TlsReceiver extends AsyncDisposable {
  readonly url: string
  readonly receipt_key: string
  readonly folder: string
  /** `server` signed itself, as all do: each is its own authority, which is all that is needed to tell them apart */
  readonly pem: Readonly<Record<'server' | 'client' | 'renewed' | 'stranger', Pem>>
}

export async function startTlsReceiver(contributors: Readonly<Record<string, string>>): Promise<TlsReceiver> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
  const make = async (name: string): Promise<Pem> => {
    await mkdir(join(folder, name))
    const files = { cert: join(folder, name, 'cert.pem'), key: join(folder, name, 'key.pem') }
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    await run('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', files.key, '-out', files.cert])
    return { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8'), files }
  }
  const pem = {
    server: await make('server'),
    client: await make('client'),
    renewed: await make('renewed'),
    stranger: await make('stranger'),
  }
  await writeFile(join(folder, 'clients.pem'), pem.client.cert + pem.renewed.cert)
  const listen = 'listen: { port: 0, tls: { cert: server/cert.pem, key: server/key.pem, client_ca: clients.pem } }'
  const { config, receipt_key } = writeReceiverFiles(folder, contributors, { listen })
  const receiver = await openReceiver(loadSetup(config), silentLog)
  return {
    url: receiver.url,
    receipt_key,
    folder,
    pem,
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}
