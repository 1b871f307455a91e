import type { LoadedGate, LoadedPool } from '../../config/load-pools.ts'
import type { AuditEvent } from '../../core/audit.ts'
import type { Pool } from '../../core/batch.ts'
import type { Fault } from '../../core/fault.ts'
import { makePseudonyms, parsePlantKey } from '../../privacy/keys.ts'
import type { PoolConfig } from '../../uplink/schema.ts'
import { parseSigningKey, type SigningKey } from '../../uplink/signature.ts'
import { formerKeys } from './signing-keys.ts'
import type { Gate } from './worker-port.ts'

type GateEvent = Extract<AuditEvent, { kind: 'gate_opened' }>

/**
 * What the store worker needs to open the gate of a pool.
 * @throws Fault `key-invalid`
 */
export function gateOf(
  pool: string,
  config: PoolConfig,
  open: Extract<LoadedGate, { kind: 'open' }>,
  limits: { readonly max_sealed_ahead: number; readonly max_skew: number },
): Gate {
  return {
    pool,
    plan: open.plan,
    plant_key: parsePlantKey(open.policy.plant_key),
    signing_key: config.signing_key,
    policy: open.document,
    contract: { id: open.contract.pool, sha256: open.contract_sha256 },
    size_class: Object.fromEntries(Object.entries(open.contract.datasets).map(([name, d]) => [name, d.size_class])),
    ...limits,
  }
}

/** What the log says of a gate that opens. */
export function gateOpened({ pool, plan, plant_key, policy, contract }: Gate, profile: string): GateEvent {
  const pseudonyms = makePseudonyms(plant_key, pool)
  const accepted_risks = plan.datasets.flatMap(({ name, columns }) =>
    columns.filter((column) => column.accepted_risk !== null).map((column) => `${name}/${column.name}`),
  )
  return {
    kind: 'gate_opened',
    pool,
    profile,
    expires: new Date(plan.expires).toISOString().slice(0, 10),
    policy: plan.epochs.map((_, epoch) => pseudonyms.policyHash(epoch, policy)),
    contract: contract.sha256,
    accepted_risks,
  }
}

/** The plant's signing keys with a pool, the present one first. @param leftOut told of former ones that cannot be used */
export function signingKeysOf(
  { config, signing_file }: Extract<LoadedPool, { config: PoolConfig }>,
  leftOut: (path: string, why: string) => void,
): readonly SigningKey[] {
  return [parseSigningKey(config.signing_key), ...(signing_file === undefined ? [] : formerKeys(signing_file, leftOut))]
}

/**
 * Opens the receiver that a pool's configuration names. Nothing is sent yet.
 * @param onTls told of certificates that changed on disk and will not do, and (null) of the next that will
 * @throws Fault `pool-tls` | `pool-proxy`
 */
export async function openPoolClient(
  name: string,
  { config, tls_files }: Extract<LoadedPool, { config: PoolConfig }>,
  onTls: (fault: Fault | null) => void,
): Promise<Pool> {
  const { url, dir, volume_size, receipt_key, tls, timeout, max_rate, proxy } = config
  if (dir !== undefined)
    return (await import('../../uplink/directory-pool.ts')).openDirectoryPool({ name, dir, volume_size })
  const connecting = { name, url: url!, receipt_key: receipt_key!, tls, tls_files, timeout, max_rate, proxy, onTls }
  return (await import('../../uplink/http-pool.ts')).openHttpPool(connecting)
}
