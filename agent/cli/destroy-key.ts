import { resolve } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { parsePlantKey } from '../../privacy/keys.ts'
import { type CommonOptions, loadWithGateway, printJson } from './common.ts'
import { eraseFile, openKeyLog, readKeyFile } from './key-files.ts'

const MEANING = [
  'Without the plant key',
  '- nothing more is sealed for any pool whose policy names it: readings wait, and go when they are too old;',
  '- nobody, this plant included, can compute any more which pseudonym stood for which asset: not for a question, not for an audit;',
  '- who compares values can still find it out while readings are kept that name their assets: in the data folder, until buffer.max_age and buffer.keep_raw are over, beside sealed files that are queued or quarantined; and wherever else the plant keeps them;',
  '- another key makes the plant another contributor, on all its gateways. Those that have a copy of the key go on with it: destroy each.',
  'What was delivered stays with the pools; `sluice pool withdraw` needs no plant key, before or after.',
  'The file is overwritten and removed. Flash storage, copying file systems, snapshots and backups may keep older copies that no program can reach.',
].join('\n')

/** `sluice keys destroy plant FILE`: ends the plant's own ability to link, for good. */
export async function destroyKey(
  kind: string,
  named: string,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<void> {
  if (kind !== 'plant') throw new Fault('usage', {}, `"${kind}" is not a kind of key that is destroyed: plant`)
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const file = resolve(named)
  const text = readKeyFile(file)
  parsePlantKey(text)
  const pools = Object.entries(loaded.pools).flatMap(([name, { gate }]) =>
    gate.kind === 'open' && gate.policy.plant_key === text ? [name] : [],
  )
  if (!options.yes) {
    console.error(MEANING)
    const whose = pools.length > 0 ? `of ${pools.join(', ')}` : 'that no open pool here uses'
    throw new Fault('usage', { file }, `the plant key ${whose} would be gone for good: say --yes`)
  }
  const log = await openKeyLog(loaded)
  eraseFile(file)
  const logged = await log({ kind: 'key_destroyed', what: 'plant', pools })
  if (options.json) return printJson({ file, pools })
  console.log(
    `${file}: overwritten and removed; ${pools.length > 0 ? `nothing more is sealed for ${pools.join(', ')}` : 'no open pool used it'}`,
  )
  if (logged === 'agent')
    console.log('The agent that runs has shut the gates. Start it again: its memory may hold the key until it ends.')
  if (logged === 'nowhere') console.log('No agent has run with this data_dir, so there is no log that could say so.')
}
