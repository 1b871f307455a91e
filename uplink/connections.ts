import { readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { createSecureContext } from 'node:tls'
import { Fault } from '../core/fault.ts'
import type { PoolConfig } from './schema.ts'

/** Routers forget idle connections without a word, so none is used again after this long. */
const MAX_IDLE = 10_000

/** Files that certificates come from. */
export type TlsFiles = Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>

/** How the requests of one pool are connected. */
export interface ConnectionOptions {
  readonly pool: string
  readonly secure: boolean
  /** PEM texts as the configuration had them; what `tls_files` names is read anew */
  readonly tls?: PoolConfig['tls']
  /** which of them were read from files; a changed file is read again */
  readonly tls_files?: TlsFiles | undefined
  readonly proxy?: PoolConfig['proxy']
  /** told of files that cannot be used, and (null) of the next that can */
  readonly onTls?: ((fault: Fault | null) => void) | undefined
}

/** Connections to one pool. */
export interface Connections extends Disposable {
  /** The agent for the next request. */
  agent(): http.Agent
  /** What is open, or is just being opened, is used no more. */
  renew(): void
}

/**
 * One connection at a time, kept while it is used. Certificates that changed on disk are used from the next request on,
 * over a new connection; files that will not do are told, and those before them stay in use.
 * @throws Fault `pool-tls` where the certificates that it begins with cannot be used, `pool-proxy` where this Node knows no proxy
 */
export function openConnections(options: ConnectionOptions): Connections {
  const { pool, secure, tls_files: files = {}, proxy, onTls = () => undefined } = options
  if (proxy && !knowsProxies())
    throw new Fault('pool-proxy', { pool }, `a proxy needs Node 24.5 or newer, this is ${process.versions.node}`)
  let seen = statesOf(files)
  // They may have been mended since the configuration was read: whoever opens a pool again must not meet the old ones.
  let tls = { ...present(options.tls ?? {}), ...(secure && readFiles(pool, files)) }
  if (secure) checkTls(pool, tls)
  let isTroubled = false
  let agent = open()

  function open(): http.Agent {
    const pooling = { keepAlive: true, maxSockets: 1, timeout: MAX_IDLE }
    const through = proxy && { proxyEnv: { [secure ? 'HTTPS_PROXY' : 'HTTP_PROXY']: proxyUrl(proxy) } }
    return secure ? new https.Agent({ ...pooling, ...tls, ...through }) : new http.Agent({ ...pooling, ...through })
  }

  function renew(): void {
    agent.destroy()
    agent = open()
  }

  function refresh(): void {
    const states = statesOf(files)
    if (states === seen) return
    seen = states
    try {
      const fresh = { ...tls, ...readFiles(pool, files) }
      checkTls(pool, fresh)
      tls = fresh
      renew()
      if (isTroubled) onTls(null)
      isTroubled = false
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      isTroubled = true
      onTls(error)
    }
  }

  return {
    agent() {
      if (secure) refresh()
      return agent
    },
    renew,
    [Symbol.dispose]() {
      agent.destroy()
    },
  }
}

/** Below Node 24.5 an agent ignores `proxyEnv`, and would go past the proxy. */
function knowsProxies(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5)
}

function proxyUrl({ url, username, password }: NonNullable<PoolConfig['proxy']>): string {
  const full = new URL(url)
  full.username = encodeURIComponent(username ?? '')
  full.password = encodeURIComponent(password ?? '')
  return full.href
}

/** Says of the files what changes when one is replaced, rewritten or linked to another. */
function statesOf(files: TlsFiles): string {
  const states = Object.values(files).map((file) => {
    const stat = statSync(file, { throwIfNoEntry: false })
    return stat && [stat.ino, stat.size, stat.mtimeMs]
  })
  return JSON.stringify(states)
}

function readFiles(pool: string, files: TlsFiles): TlsFiles {
  return Object.fromEntries(
    Object.entries(files).map(([what, file]) => {
      try {
        return [what, readFileSync(file, 'utf8')]
      } catch (cause) {
        throw new Fault('pool-tls', { pool, file }, `the ${what} cannot be read: ${reasonOf(cause)}`, { cause })
      }
    }),
  )
}

function present({ ca, cert, key }: NonNullable<PoolConfig['tls']>): TlsFiles {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

function checkTls(pool: string, tls: TlsFiles): void {
  try {
    createSecureContext(tls)
  } catch (cause) {
    throw new Fault('pool-tls', { pool }, `a certificate or key of tls cannot be used: ${reasonOf(cause)}`, { cause })
  }
}

/** System and OpenSSL error codes; never the text, which may quote what was sent. */
export function reasonOf(cause: unknown): string {
  const { code } = cause as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'the connection failed'
}
