import { resolve } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import { auditKeyPath } from '../audit/audit-key.ts'
import { rotateAuditKey } from '../audit/rotation.ts'
import { formerKeyFile } from '../daemon/signing-keys.ts'
import { type CommonOptions, loadWithGateway, printJson } from './common.ts'
import { openKeyLog, putKeyFile, readKeyFile, replaceAndErase } from './key-files.ts'

/**
 * `sluice keys rotate signing FILE | audit`: a new key takes the place of one. The old signing key is kept beside it, because
 * streams that were sealed under it may have to be withdrawn with it; the old audit key is erased, so that nobody signs with it.
 */
export async function rotateKey(kind: string, named: string | undefined, options: CommonOptions): Promise<void> {
  if (kind === 'plant')
    throw new Fault(
      'usage',
      {},
      'pseudonyms change at the epochs of the contract by themselves; another plant key is another plant',
    )
  if (kind !== 'signing' && kind !== 'audit')
    throw new Fault('usage', {}, `"${kind}" is not a kind of key that is rotated: signing or audit`)
  if ((kind === 'signing') !== (named !== undefined))
    throw new Fault(
      'usage',
      {},
      kind === 'signing' ? 'name the file of the signing key' : 'the audit key is that of data_dir: name no file',
    )
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const file = named === undefined ? auditKeyPath(loaded.gateway.data_dir) : resolve(named)
  const old = readKeyFile(file)
  const text = newSigningKey()
  const [former, next] = [parseSigningKey(old), parseSigningKey(text)]
  const [before, after] = [former.id, next.id]
  const kept = kind === 'signing' ? formerKeyFile(file, before) : null
  const log = await openKeyLog(loaded)
  // The old audit key signs who follows it while it is there. A run that is cut now leaves the old one, and a leaf that leads to a key nobody has.
  if (kind === 'audit') await log(rotateAuditKey(former, next))
  if (kept === null) replaceAndErase(file, text)
  else {
    putKeyFile(file, kept, old)
    putKeyFile(file, file, text)
  }
  if (kind === 'signing') await log({ kind: 'key_rotated', what: kind, before, after })
  if (options.json) return printJson({ kind, file, before, after, kept })
  console.log(`${file}: new ${kind} key ${after}`)
  if (kept === null)
    return console.log(`The log leads from ${before} to it: both signed that. Give it to whoever verifies.`)
  console.log(
    [
      `The old one, ${before}, lies in ${kept}: keep it for withdrawal.`,
      `Give the new one to the pool. It must go on taking the old one (former_keys), for batches that are sealed already and for withdrawal.`,
      'Then start the agent again: until then it seals with the old one.',
    ].join('\n'),
  )
}
