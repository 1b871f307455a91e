/**
 * The answers of a pool that are not receipts: problem+json (RFC 9457). The `type` is `urn:sluice:problem:` and the name
 * below, so that it means the same at every pool and needs no page to be served. What each does to the agent is POOL.md's
 * table; `permanent` types reject one batch for ever.
 */
export const PROBLEMS = {
  'digest-mismatch': { status: 409, permanent: true, title: 'this id is stored with other bytes' },
  'schema-unknown': { status: 422, permanent: true, title: 'the file is not of a dataset of this contract' },
  'column-unknown': { status: 422, permanent: true, title: 'the file has a column the contract does not name' },
  unit: { status: 422, permanent: true, title: "a column is not in the contract's unit" },
  range: { status: 422, permanent: true, title: 'a cell or a declared range lies outside the contract' },
  'too-large': { status: 413, permanent: true, title: 'the file is larger than its size class' },
  'body-corrupt': { status: 400, permanent: false, title: 'the body does not match its Content-Digest' },
  'request-malformed': { status: 400, permanent: false, title: 'the request is not one of the interface' },
  identity: { status: 403, permanent: false, title: 'the signature is not that of a registered contributor' },
  'not-found': { status: 404, permanent: false, title: 'there is no such pool or batch' },
  method: { status: 405, permanent: false, title: 'the method is not one of this address' },
  'pool-closed': { status: 410, permanent: false, title: 'the pool takes no more batches' },
  withdrawn: { status: 410, permanent: false, title: 'the stream was withdrawn by its contributor' },
  unavailable: { status: 503, permanent: false, title: 'the pool cannot store just now' },
} as const satisfies Record<string, { readonly status: number; readonly permanent: boolean; readonly title: string }>

export type ProblemName = keyof typeof PROBLEMS

const PREFIX = 'urn:sluice:problem:'

/** The `type` member of a problem. */
export function problemType(name: ProblemName): string {
  return PREFIX + name
}

/** The name of a `type` this version knows, else undefined. */
export function problemName(type: unknown): ProblemName | undefined {
  if (typeof type !== 'string' || !type.startsWith(PREFIX)) return undefined
  const name = type.slice(PREFIX.length)
  return Object.hasOwn(PROBLEMS, name) ? (name as ProblemName) : undefined
}
