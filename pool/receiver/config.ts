import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { type Contract, contractSchema } from '../../core/contract.ts'
import { Fault } from '../../core/fault.ts'
import { name } from '../../core/option.ts'
import { parsePublicKey, parseSigningKey, type SigningKey } from '../../uplink/signature.ts'

const path = z.string().min(1)
const publicKey = z.string().refine((text) => parsePublicKey(text) !== undefined, {
  error: 'is not a public key: write ed25519: and the base64 of 32 bytes, as `sluice keys new signing` prints it',
})

/** Configuration of the receiver. Paths are relative to the file. */
export const receiverSchema = z.strictObject({
  version: z.literal(1).describe('version of this grammar'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('address to listen at'),
      port: z.number().int().min(0).max(65_535).default(8080).describe('TCP port; 0 for any free one'),
      tls: z
        .strictObject({
          cert: path.describe('PEM file of the server certificate'),
          key: path.describe('PEM file of its private key'),
          client_ca: path.optional().describe('PEM file of the authority whose client certificates are required'),
        })
        .optional()
        .describe('HTTPS instead of HTTP'),
    })
    .prefault({})
    .describe('where plants reach the pool'),
  data_dir: path.describe('folder of the lake and its index'),
  receipt_key: z
    .strictObject({ file: path.describe('key file, made by `sluice-pool keys new`') })
    .describe('key that receipts are signed with; plants pin its public half'),
  pools: z
    .record(
      name,
      z.strictObject({
        contract: path.describe('contract file; policies pin exactly these bytes'),
        contributors: z
          .record(name, publicKey)
          .describe('public signing keys of the plants, by the name of their account'),
        former_keys: z
          .record(name, z.array(publicKey))
          .default({})
          .describe(
            'public signing keys that accounts had before: what was sealed with them is still taken, and they may withdraw',
          ),
        state: z.enum(['open', 'closed']).default('open').describe('closed: batches are answered with 410'),
      }),
    )
    .describe('pools by id'),
})

/** One pool as the server needs it. */
export interface PoolSetup {
  readonly id: string
  readonly contract: Contract
  /** the file as published, and its SHA-256 in hex */
  readonly contract_bytes: Uint8Array
  readonly contract_sha256: string
  /** account by public key */
  readonly accounts: ReadonlyMap<string, string>
  readonly open: boolean
}

/** Everything the server is started with, read and checked. */
export interface ReceiverSetup {
  readonly host: string
  readonly port: number
  readonly tls: { readonly cert: Buffer; readonly key: Buffer; readonly client_ca: Buffer | undefined } | undefined
  /** absolute */
  readonly data_dir: string
  readonly receipt_key: SigningKey
  readonly pools: ReadonlyMap<string, PoolSetup>
}

/** @throws Fault `config-unreadable` | `config-invalid` | `key-missing` | `key-invalid`, with every problem of a file at once */
export function loadSetup(file: string): ReceiverSetup {
  const config = parse(file, readBytes(file), receiverSchema)
  const at = (relative: string): string => resolve(dirname(file), relative)
  const { tls } = config.listen
  const pools = Object.entries(config.pools).map(([id, pool]): [string, PoolSetup] => {
    const contractFile = at(pool.contract)
    const contract_bytes = readBytes(contractFile)
    const contract = parse(contractFile, contract_bytes, contractSchema)
    if (contract.pool !== id)
      throw new Fault(
        'config-invalid',
        { file: contractFile },
        `the contract is that of pool ${contract.pool}, not ${id}`,
      )
    const contract_sha256 = createHash('sha256').update(contract_bytes).digest('hex')
    const former = Object.entries(pool.former_keys).flatMap(([account, keys]) =>
      keys.map((key) => [key, account] as const),
    )
    const accounts = new Map([
      ...former,
      ...Object.entries(pool.contributors).map(([account, key]) => [key, account] as const),
    ])
    return [id, { id, contract, contract_bytes, contract_sha256, accounts, open: pool.state === 'open' }]
  })
  return {
    host: config.listen.host,
    port: config.listen.port,
    tls: tls && {
      cert: readBytes(at(tls.cert)),
      key: readBytes(at(tls.key)),
      client_ca: tls.client_ca === undefined ? undefined : readBytes(at(tls.client_ca)),
    },
    data_dir: at(config.data_dir),
    receipt_key: readKey(at(config.receipt_key.file)),
    pools: new Map(pools),
  }
}

function parse<T>(file: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  const lines = new LineCounter()
  const document = parseDocument(Buffer.from(bytes).toString('utf8'), { lineCounter: lines })
  const syntax = document.errors.map((e) => e.message.split('\n')[0]!)
  const parsed = syntax.length === 0 ? schema.safeParse(document.toJS()) : undefined
  if (parsed?.success) return parsed.data
  const invalid = parsed?.error.issues.map((issue) => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
    return `line ${lineOf(path)}, ${path.join('.') || 'the file'}: ${issue.message}`
  })
  throw new Fault('config-invalid', { file }, [...syntax, ...(invalid ?? [])].join('\n'))

  /** Of the value, or of the nearest mapping where the value is absent. */
  function lineOf(path: readonly PropertyKey[]): number {
    for (let n = path.length; n > 0; n--) {
      const node = document.getIn(path.slice(0, n), true) as { readonly range?: readonly number[] } | undefined
      if (node?.range) return lines.linePos(node.range[0]!).line
    }
    return 1
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new Fault('config-unreadable', { file }, `cannot be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    })
  }
}

function readKey(file: string): SigningKey {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) throw new Fault('key-missing', { file }, 'there is no such key file')
  if ((mode & 0o077) !== 0) throw new Fault('key-invalid', { file }, 'others may read the key file: chmod 600')
  return parseSigningKey(readBytes(file).toString('utf8'))
}
