import type { LoadedGate } from '../../config/load-pools.ts'
import type { Pool } from '../../core/batch.ts'
import { parsePlantKey } from '../../privacy/keys.ts'
import type { PoolConfig } from '../../uplink/schema.ts'
import type { Gate } from './worker-port.ts'

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

/** Opens the receiver that a pool's configuration names. Nothing is sent yet. */
export async function openPoolClient(name: string, config: PoolConfig): Promise<Pool> {
  if (config.dir !== undefined) {
    return (await import('../../uplink/directory-pool.ts')).openDirectoryPool({ name, dir: config.dir })
  }
  const { url, receipt_key, tls, timeout } = config
  return (await import('../../uplink/http-pool.ts')).openHttpPool({
    name,
    url: url!,
    receipt_key: receipt_key!,
    tls,
    timeout,
  })
}
