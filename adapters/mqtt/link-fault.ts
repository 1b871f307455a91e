import { Fault, type FaultCode, type FaultWhere } from '../../core/fault.ts'

/** CONNACK codes of MQTT 3.1.1 §3.2.2.3 (1 to 5) and MQTT 5.0 §3.2.2.2 (from 128), as far as they have a cause of their own. */
const CONNACK: Readonly<Record<number, readonly [FaultCode, string]>> = {
  1: ['source-protocol', 'the broker does not speak MQTT 5: set protocol: "3.1.1"'],
  132: ['source-protocol', 'the broker does not speak this version of MQTT: set protocol: "3.1.1"'],
  2: ['source-auth', 'the broker does not accept this client_id'],
  133: ['source-auth', 'the broker does not accept this client_id'],
  3: ['source-refused', 'the broker says it is unavailable'],
  136: ['source-refused', 'the broker says it is unavailable'],
  137: ['source-refused', 'the broker says it is busy'],
  159: ['source-refused', 'the broker says connections come too fast'],
  4: ['source-auth', 'the broker refused username or password'],
  134: ['source-auth', 'the broker refused username or password'],
  5: ['source-auth', 'the broker does not authorise this client'],
  135: ['source-auth', 'the broker does not authorise this client'],
  138: ['source-auth', 'the broker has banned this client'],
  140: ['source-auth', 'the broker wants another method of authentication'],
}

/** What the network's error codes mean to an operator. */
const NETWORK: Readonly<Record<string, readonly [FaultCode, string]>> = {
  ECONNREFUSED: ['source-refused', 'nothing listens on that port'],
  ENOTFOUND: ['source-unreachable', 'the host name is unknown'],
  EAI_AGAIN: ['source-unreachable', 'the host name could not be looked up'],
  EHOSTUNREACH: ['source-unreachable', 'the host cannot be reached'],
  ENETUNREACH: ['source-unreachable', 'the network cannot be reached'],
  ETIMEDOUT: ['source-unreachable', 'the host did not answer'],
  ECONNRESET: ['source-closed', 'the broker reset the connection'],
  EPIPE: ['source-closed', 'the broker closed the connection'],
}

/** The fault behind an error of the library or of the socket below it. */
export function faultOfError(error: unknown, where: FaultWhere): Fault {
  const cause = rootOf(error)
  const message = cause instanceof Error ? cause.message : String(cause)
  const code = (cause as { readonly code?: unknown } | null)?.code
  const fault = (known: readonly [FaultCode, string]) => new Fault(known[0], where, known[1], { cause: error })

  if (typeof code === 'number' && message.startsWith('Connection refused'))
    return fault(CONNACK[code] ?? ['source-refused', `the broker refused the connection with code ${code}`])
  if (message === 'connack timeout') return fault(['source-timeout', 'the broker did not answer in time'])
  if (message === 'Keepalive timeout') return fault(['source-timeout', 'the broker went silent'])
  if (typeof code === 'string') {
    const known = NETWORK[code]
    if (known) return fault(known)
    if (/CERT|TLS|SSL|SIGNATURE|ISSUER|EPROTO|CRL/.test(code)) return fault(['source-tls', `${message} (${code})`])
  }
  return fault(['source-protocol', message])
}

/** The fault behind a DISCONNECT that the broker sent (MQTT 5.0 §3.14.2.1). */
export function faultOfDisconnect(reasonCode: number | undefined, where: FaultWhere): Fault {
  switch (reasonCode) {
    case 0x8e:
      return new Fault('mqtt-takeover', where, 'another client connected with the same client id')
    case 0x87:
      return new Fault('source-auth', where, 'the broker no longer authorises this client')
    default:
      return new Fault('source-closed', where, `the broker ended the connection with code ${reasonCode ?? 0}`)
  }
}

/** A connection attempt to several addresses fails with one error that holds one for each. */
function rootOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
}
