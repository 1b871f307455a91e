/**
 * What happens after a fault:
 * `retries` the agent goes on trying by itself · `waits` nothing is lost, a person must act before it goes on ·
 * `loses` something was given up and counted · `refuses` the command ends, nothing was done.
 */
export type Fate = 'retries' | 'waits' | 'loses' | 'refuses'

/** Every fault an operator can meet: what becomes of it and what to do. Codes are stable; texts are not. */
export const FAULTS = {
  // sources
  'source-unreachable': { fate: 'retries', hint: 'check the address, the cable and whether the device is switched on' },
  'source-refused': {
    fate: 'retries',
    hint: 'the device refused the connection: check the port, and whether another client holds its only connection',
  },
  'source-closed': {
    fate: 'retries',
    hint: 'the device or a switch in between closed the connection; it is opened again',
  },
  'source-timeout': {
    fate: 'retries',
    hint: 'no answer in time: check the unit id, the load of the device, and `timeout`',
  },
  'source-protocol': {
    fate: 'retries',
    hint: 'the answer was not valid for the protocol: check that the port really speaks it',
  },
  'source-auth': {
    fate: 'waits',
    hint: 'the broker or device refused the credentials: check username, password and certificates',
  },
  'source-tls': {
    fate: 'waits',
    hint: 'the TLS handshake failed: check the CA, the certificate dates and the host name',
  },
  'serial-absent': {
    fate: 'retries',
    hint: 'plug the adapter in, or write the path that `ls -l /dev/serial/by-id/` shows; it is opened when it appears',
  },
  'serial-rights': {
    fate: 'retries',
    hint: "add the agent's user to the group of the device (`usermod -aG dialout sluice`) and start it again; a systemd service needs PrivateDevices=no too",
  },
  'serial-busy': {
    fate: 'retries',
    hint: 'stop the other program (`fuser -v` names it), or put the devices of both sources under one',
  },
  'source-config': { fate: 'waits', hint: 'run `sluice check` and mend the source; the other sources go on' },
  'modbus-exception': {
    fate: 'retries',
    hint: 'the device refused the request: check table, address and type against its manual',
  },
  'mqtt-subscribe': {
    fate: 'waits',
    hint: 'the broker refused the subscription: check its access rules for this user and topic',
  },
  'mqtt-takeover': {
    fate: 'waits',
    hint: 'another client uses the same client id: give each gateway its own `client_id`',
  },
  // messages
  'payload-malformed': {
    fate: 'loses',
    hint: 'the message is counted as refused and acknowledged: mend the sender or the mapping',
  },
  // store
  'store-full': {
    fate: 'loses',
    hint: 'free space on the disk of data_dir; at buffer.max_size the oldest readings make room: raise it, or bring the pool back',
  },
  'store-paused': {
    fate: 'waits',
    hint: 'the buffer is full and buffer.when_full is `pause`: bring the pool back, raise buffer.max_size or free the disk; sources wait meanwhile',
  },
  'disk-low': {
    fate: 'loses',
    hint: 'free space on the disk of data_dir; until then the buffer does not grow and gives way as buffer.when_full says',
  },
  'store-io': {
    fate: 'retries',
    hint: 'the disk answered with an error: check free space, mount state and the kernel log',
  },
  'store-locked': {
    fate: 'refuses',
    hint: 'another agent, or a command (`sluice buffer`), uses this data_dir: stop it, or give this one its own folder',
  },
  'store-owner': {
    fate: 'refuses',
    hint: 'what another user writes into data_dir keeps the agent out of it; or start the agent and let it do this',
  },
  'store-foreign': {
    fate: 'waits',
    hint: 'the file in data_dir was not written by Sluice: a start sets it aside, untouched, and begins a fresh one',
  },
  'store-newer': {
    fate: 'waits',
    hint: 'a start sets the file aside, untouched, and begins a fresh one; to go back, install that version or a later one and, with the agent stopped, put the file back as sluice.db',
  },
  'store-damaged': {
    fate: 'loses',
    hint: 'the damaged file was set aside beside the new one, which holds what could be read; the loss is in the ledger (`sluice buffer inspect`)',
  },
  'store-rolled-back': {
    fate: 'loses',
    hint: 'the database is older than its high-water file: it lost commits or was restored; the loss is in the ledger',
  },
  'store-moved': {
    fate: 'loses',
    hint: 'the data folder came from another machine or from a backup: a new stream began; older pending readings are withheld',
  },
  'store-restored': {
    fate: 'loses',
    hint: 'the data folder is an older state of itself (a disk image, a snapshot), or runs twice: a new stream began; what is older than this run is withheld or in quarantine',
  },
  // gate
  'policy-missing': { fate: 'waits', hint: 'put the policy file where pools.*.policy points; readings wait' },
  'policy-invalid': { fate: 'waits', hint: 'run `sluice check` and mend the policy; readings wait' },
  'policy-expired': {
    fate: 'waits',
    hint: 'the policy is past `expires`: have the data steward renew it; readings wait',
  },
  'key-missing': { fate: 'waits', hint: 'put the key file in place (`sluice keys new` makes one); readings wait' },
  'key-invalid': {
    fate: 'waits',
    hint: 'the key file must hold one line, the base64 of 32 bytes, and be readable by the agent alone (0600)',
  },
  'audit-broken': {
    fate: 'loses',
    hint: 'run `sluice audit verify --checkpoints DIR`: leaves of the transparency log were lost or altered; keep the copies of its checkpoints',
  },
  'audit-key': {
    fate: 'waits',
    hint: 'audit.key in data_dir must be a key of mode 0600 that the agent may read; until it is, no checkpoints are signed and the log goes on',
  },
  'clock-insane': {
    fate: 'waits',
    hint: 'set the clock (NTP), or where it is right say `sluice clock trust`; readings are kept and nothing is sealed until then',
  },
  'sealed-ahead': {
    fate: 'waits',
    hint: 'set the clock if it is wrong now; if it was ahead when this was sealed, readings wait until then, for no slot is sealed twice: to go on sooner stop the agent, put data_dir aside and start with an empty one (`sluice buffer export` reads the old)',
  },
  'seal-failed': {
    fate: 'waits',
    hint: 'the sealed file did not read back as written: report this with the log; readings wait',
  },
  // delivery
  'pool-unreachable': {
    fate: 'retries',
    hint: 'check the network, the proxy and the pool; batches wait and are sent again',
  },
  'pool-tls': {
    fate: 'retries',
    hint: 'the TLS connection failed: check the `tls` files of the pool, the certificate dates and the host name',
  },
  'pool-proxy': {
    fate: 'waits',
    hint: 'the proxy will not pass batches on: check `proxy` of the pool, its user and password, and its access rules; batches wait',
  },
  'pool-unavailable': { fate: 'retries', hint: 'the pool asked to come back later; batches wait' },
  'pool-receipt': {
    fate: 'retries',
    hint: 'the receipt could not be verified: check `receipt_key` with the pool, or a proxy that alters answers',
  },
  'pool-identity': {
    fate: 'waits',
    hint: 'the pool or a proxy did not accept this plant: check url, signing key and registration; batches wait',
  },
  'pool-unexpected': {
    fate: 'waits',
    hint: 'the answer was not one of the pool contract: a proxy or a wrong url? batches wait',
  },
  'pool-closed': {
    fate: 'waits',
    hint: 'the pool says it is over: nothing more is sealed or accepted for it, and what it holds goes as that of a retired pool; remove it from the configuration when you agree, or start the agent again once the pool is open again',
  },
  'pool-withdrawn': {
    fate: 'waits',
    hint: 'the plant has left this pool: remove it from the configuration, or take part again with `sluice pool join`',
  },
  'pool-rejected': {
    fate: 'loses',
    hint: 'the batch is quarantined: ask the pool what it refuses, then `sluice outbox retry` it, or export or drop it',
  },
  'pool-mismatch': {
    fate: 'loses',
    hint: 'the pool holds another batch under this id, sealed by an earlier life of the data folder or a copy of it: a new stream begins by itself, and the batch is quarantined',
  },
  'pool-refusing': {
    fate: 'waits',
    hint: 'it is not this batch alone: ask the pool what it refuses (has its contract changed?); batches wait and are tried again',
  },
  'pool-stuck': {
    fate: 'retries',
    hint: 'the pool takes other batches: ask it about this one, see `sluice outbox show`, and export or drop it',
  },
  'pool-folder': {
    fate: 'retries',
    hint: 'the folder could not be written: check that the medium is mounted, writable and has room',
  },
  // command line
  usage: { fate: 'refuses', hint: 'see --help' },
  'config-unreadable': { fate: 'refuses', hint: 'check the path and the rights of the file' },
  'config-invalid': { fate: 'refuses', hint: 'mend what is listed above' },
  'agent-absent': { fate: 'refuses', hint: 'no agent answers on its socket: is it running, with this configuration?' },
  'agent-silent': {
    fate: 'waits',
    hint: "an agent is there but gives no answer: run the command as the agent's user, and see the agent's log",
  },
  'agent-other-version': {
    fate: 'refuses',
    hint: 'the agent that runs is of another version than this command: start it again, as installed now',
  },
  'file-exists': { fate: 'refuses', hint: 'choose another name; what exists is never overwritten' },
} as const satisfies Record<string, { readonly fate: Fate; readonly hint: string }>

export type FaultCode = keyof typeof FAULTS

/** Where it happened, by the names in the configuration. */
export interface FaultWhere {
  readonly source?: string
  readonly device?: string
  readonly asset?: string
  readonly signal?: string
  readonly pool?: string
  readonly dataset?: string
  readonly batch?: string
  readonly file?: string
  readonly topic?: string
  /** e.g. `10.0.4.17:502 unit 3 holding 100` */
  readonly at?: string
}

/** The one error class: what an operator can meet. Anything else that is thrown is a bug. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly where: FaultWhere
  /** ms after which a retry makes sense, where the other side said so */
  readonly after_ms: number | undefined

  constructor(
    code: FaultCode,
    where: FaultWhere,
    message: string,
    options: { readonly cause?: unknown; readonly after_ms?: number } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.where = where
    this.after_ms = options.after_ms
  }

  get fate(): Fate {
    return FAULTS[this.code].fate
  }

  get hint(): string {
    return FAULTS[this.code].hint
  }

  /** One line for an operator: where, what, what to do. */
  get line(): string {
    const where = Object.entries(this.where).map(([k, v]) => `${k} ${v}`)
    return `${where.length > 0 ? `${where.join(', ')}: ` : ''}${this.message} (${this.code}; ${this.hint})`
  }
}
