import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { accountProblems } from '../../buffer/accounts.ts'
import { repairFile } from '../../buffer/repair.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson } from './common.ts'
import { openDataFolder } from './data-folder.ts'

const clock = makeClock()

/**
 * `sluice buffer repair [FILE]`: salvages a file into a new one beside it, or, without FILE, does for the data folder what a
 * start does, and then reads every block and batch. No agent must run on it.
 */
export async function repairBuffer(
  file: string | undefined,
  options: CommonOptions & { readonly output?: string },
): Promise<void> {
  if (file !== undefined) return repairOne(resolve(file), resolve(options.output ?? `${file}.repaired`), options)
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  using store = openDataFolder(loaded, 'repair', clock)
  let readings = 0
  for (let position = 0; ; ) {
    const blocks = store.blocks(position, 64)
    if (blocks.length === 0) break
    for (const { block } of blocks) readings += block.signals.length
    position = blocks.at(-1)!.position + 1
  }
  const status = store.status(clock.now())
  const problems = accountProblems(status)
  const found = status.alarms.filter(({ key, until }) => key.startsWith('store:') && until === null)
  if (problems.length > 0) process.exitCode = EXIT_FAILED
  if (options.json)
    return printJson({ readings, found: found.map(({ code, message }) => ({ code, message })), problems })
  for (const { code, message } of found) console.log(`${code}: ${message}`)
  for (const problem of problems) console.log(problem)
  console.log(`${readings} readings can be read${problems.length === 0 ? ', all accounts add up' : ''}`)
}

function repairOne(from: string, to: string, options: CommonOptions): void {
  if (!existsSync(from)) throw new Fault('agent-absent', { file: from }, 'there is no such file')
  if (existsSync(to)) throw new Fault('usage', { file: to }, 'it is there already: name another with --output')
  const { blocks, readings, missing, batches } = repairFile(from, to, clock.now())
  if (options.json) return printJson({ file: to, blocks, readings, missing, batches_lost: batches })
  console.log(`${to}: ${readings} readings in ${blocks} blocks`)
  if (missing > 0) console.log(`${missing} readings between them are lost`)
  if (batches > 0) console.log(`${batches} batches are lost`)
}
