import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { newSigningKey, parseSigningKey, type SigningKey } from '../../uplink/signature.ts'

/** Where the audit key of a data folder lies. It never leaves the machine. */
export function auditKeyPath(data_dir: string): string {
  return join(data_dir, 'audit.key')
}

/**
 * The audit key of a data folder, made where there is none.
 * @throws Fault `audit-key` where it cannot be used, or others than its owner may use it
 */
export function openAuditKey(data_dir: string): SigningKey {
  const file = auditKeyPath(data_dir)
  try {
    if (!statSync(file, { throwIfNoEntry: false })) writeKeyFile(file, newSigningKey())
    return readAuditKey(data_dir)
  } catch (cause) {
    if (cause instanceof Fault && cause.code === 'audit-key') throw cause
    throw new Fault('audit-key', { file }, `the audit key cannot be used: ${(cause as Error).message}`, { cause })
  }
}

/** The same, where it is there. @throws Fault `audit-key` | `key-invalid`, or what the system says */
export function readAuditKey(data_dir: string): SigningKey {
  const file = auditKeyPath(data_dir)
  if ((statSync(file).mode & 0o077) !== 0)
    throw new Fault('audit-key', { file }, 'others than its owner may use the audit key: chmod 600')
  return parseSigningKey(readFileSync(file, 'utf8'))
}

/** Writes a new key file, for its owner alone; never over another. @throws what the system says */
export function writeKeyFile(file: string, text: string): void {
  writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true })
}
