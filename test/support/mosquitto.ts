import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const PATHS = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']

/** A Mosquitto of its own on the loopback interface, in a temporary folder. */
export interface Mosquitto extends AsyncDisposable {
  readonly url: string
  /** the authority that signed the broker's certificate, where `tls` was asked for */
  readonly ca: string | undefined
  /** a client certificate of that authority, and its key, where `tls: 'mutual'` was asked for */
  readonly client: { readonly cert: string; readonly key: string } | undefined
  /** Ends it, as an operator would unless told, and starts it again on the same port with the sessions it has saved. */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Has it save what it took, and waits until that is in its file. */
  save(): Promise<void>
}

/** The path of the installed Mosquitto; undefined (or an error where REQUIRE_SERVICES=1) where there is none. */
export async function findMosquitto(): Promise<string | undefined> {
  for (const path of PATHS) {
    try {
      await run(path, ['-h'])
      return path
    } catch (error) {
      // Old versions answer -h with exit code 3.
      if ((error as { readonly code?: unknown }).code !== 'ENOENT') return path
    }
  }
  if (process.env.REQUIRE_SERVICES === '1') throw new Error('mosquitto is not installed (apt-get install mosquitto)')
  console.warn('mosquitto is not installed: its tests are skipped')
  return undefined
}

/** Starts a broker; `settings` are lines of mosquitto.conf. */
export async function openMosquitto(
  path: string,
  options: {
    readonly settings?: readonly string[]
    /** `mutual`: it asks clients for a certificate of its authority, whose name is the user */
    readonly tls?: true | 'mutual'
    readonly password?: readonly [string, string]
  } = {},
): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-mosquitto-'))
  const port = await freePort()
  const lines = [
    `listener ${port} 127.0.0.1`,
    'persistence true',
    `persistence_location ${folder}/`,
    ...(options.settings ?? []),
  ]
  // A broker that is started by root would give up its rights to the folder.
  if (process.getuid?.() === 0) lines.unshift('user root')
  let ca: string | undefined
  if (options.tls) {
    ca = await makeCertificates(folder)
    lines.push(`cafile ${folder}/ca.pem`, `certfile ${folder}/server.pem`, `keyfile ${folder}/server.key`)
  }
  let client: Mosquitto['client']
  if (options.tls === 'mutual') {
    const [cert, key] = await makeCertificate(folder, 'client', 'sluice-hall-2')
    client = { cert, key }
    lines.push('require_certificate true', 'use_identity_as_username true')
  }
  if (options.password) {
    const [user, password] = options.password
    await writeFile(join(folder, 'passwords'), `${user}:${password}\n`)
    await run('mosquitto_passwd', ['-U', join(folder, 'passwords')])
    lines.push('allow_anonymous false', `password_file ${folder}/passwords`)
  } else lines.push('allow_anonymous true')
  const configuration = join(folder, 'mosquitto.conf')
  await writeFile(configuration, `${lines.join('\n')}\n`)

  const start = async () => {
    const child = spawn(path, ['-c', configuration], { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    let said = ''
    const hear = (text: string): void => {
      said += text
    }
    child.stderr.setEncoding('utf8').on('data', hear)
    // Mosquitto writes "running" when its listeners are open.
    while (!/mosquitto version .* running/.test(said)) {
      if (child.exitCode !== null) throw new Error(`mosquitto did not start: ${said}`)
      await pause(5)
    }
    // From here on it says something for each connection, and a test may make thousands.
    child.stderr.off('data', hear).resume()
    return {
      signal: (signal: NodeJS.Signals) => child.kill(signal),
      async stop(signal: NodeJS.Signals) {
        child.kill(signal)
        await ended
      },
    }
  }

  let broker = await start()
  return {
    url: `${options.tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`,
    ca,
    client,
    async restart(signal = 'SIGTERM') {
      await broker.stop(signal)
      broker = await start()
    },
    async save() {
      // It writes a new file, which then takes the place of the old one; its number may be that of one before.
      const file = async () =>
        (await stat(join(folder, 'mosquitto.db'), { bigint: true }).catch(() => undefined))?.mtimeNs
      const before = await file()
      broker.signal('SIGUSR1')
      for (let now = before; now === before || now === undefined; now = await file()) await pause(5)
    },
    async [Symbol.asyncDispose]() {
      await broker.stop('SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Makes a certificate authority, `ca.pem` and `ca.key` in the folder; gives its PEM. */
export async function makeAuthority(folder: string, name: string): Promise<string> {
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  await run('openssl', [
    'req',
    '-x509',
    ...curve,
    ...subject,
    '-keyout',
    join(folder, 'ca.key'),
    '-out',
    join(folder, 'ca.pem'),
  ])
  return readFile(join(folder, 'ca.pem'), 'utf8')
}

/** `server.pem` and `server.key` of 127.0.0.1 in the folder, of an authority of its own; gives the authority's PEM. */
export async function makeCertificates(folder: string): Promise<string> {
  const ca = await makeAuthority(folder, 'plant CA')
  await makeCertificate(folder, 'server', '127.0.0.1')
  return ca
}

/** A certificate that the folder's authority signed, `NAME.pem` and `NAME.key`; gives both as PEM. */
async function makeCertificate(folder: string, name: string, subject: string): Promise<readonly [string, string]> {
  const at = (file: string) => join(folder, file)
  const [key, request, cert] = [at(`${name}.key`), at(`${name}.csr`), at(`${name}.pem`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${subject}`]
  await run('openssl', ['req', ...curve, '-keyout', key, '-out', request])
  await writeFile(at('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  const sign = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('san')]
  await run('openssl', ['x509', '-req', '-in', request, ...sign, '-out', cert])
  return [await readFile(cert, 'utf8'), await readFile(key, 'utf8')]
}
