import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { Fault } from '../../core/fault.ts'
import type { Link, LinkContext, TlsFiles } from './link.ts'
import { openSocket } from './tcp-link.ts'

/**
 * Connects by Modbus/TCP Security: TLS 1.2 or later, both sides show a certificate (MODBUS/TCP Security V2.1 §5). What
 * this side may read is up to the role in its certificate, which the device looks at.
 * @throws Fault source-unreachable | source-refused | source-tls | source-closed
 */
export async function openTlsLink(
  options: { readonly host: string; readonly port: number } & TlsFiles,
  context: LinkContext,
): Promise<Link> {
  const { host, port, ca, cert, key } = options
  const servername = options.servername ?? (isIP(host) ? undefined : host)
  const socket = connectOrFail(context, () =>
    connect({
      host,
      port,
      cert,
      key,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(servername === undefined ? {} : { servername }),
    }),
  )
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 10_000)
  return openSocket(socket, 'secureConnect', context, {
    opening: (error) => faultOfTls(error, context, false),
    lost: (error, answered) => faultOfTls(error, context, answered),
    closed: (answered) => closed(context, answered),
  })
}

/** PEM that is none throws before anything is sent. */
function connectOrFail<T>({ where }: LinkContext, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new Fault('source-tls', where, `the certificate files cannot be used: ${error.message}`, { cause: error })
  }
}

/** The fault behind an error of the connection; a device may refuse our certificate when the connection looks open already (TLS 1.3). */
function faultOfTls(error: NodeJS.ErrnoException, context: LinkContext, answered: boolean): Fault {
  const { where } = context
  const code = error.code ?? ''
  const cause = { cause: error }
  if (code === 'ECONNREFUSED') return new Fault('source-refused', where, `cannot connect: ${code}`, cause)
  if (/ALERT/.test(code))
    return new Fault('source-tls', where, `the device refused our certificate: ${reasonOf(error)}`, cause)
  if (/CERT|TLS|SSL|SIGNATURE|ISSUER|EPROTO|CRL/.test(code))
    return new Fault('source-tls', where, `${reasonOf(error)} (${code})`, cause)
  if (code === 'ECONNRESET' || code === 'EPIPE') return closed(context, answered)
  return new Fault('source-unreachable', where, `cannot connect: ${code || error.message}`, cause)
}

/** Some devices hang up without a word on a certificate that they do not know. */
function closed({ where }: LinkContext, answered: boolean): Fault {
  if (answered) return new Fault('source-closed', where, 'the device closed the connection')
  return new Fault(
    'source-tls',
    where,
    'the device hung up before it answered anything: does it accept our certificate?',
  )
}

/** OpenSSL's own sentence without its file and line. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
}
