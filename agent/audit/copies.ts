import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { absent, syncFolder, writeDurably } from '../../uplink/durable-file.ts'
import { readCheckpoint } from './checkpoint.ts'

/** Copies of a log's checkpoints in a second place: a file a day, one checkpoint a line. Nothing in them is ever taken out. */

/** Files of one gateway, for several may write into one folder. */
function nameOf(gateway: string, day: string): string {
  return `${gateway}.${day}.checkpoints.jsonl`
}

/** Every line of the files of a gateway (of all where absent), in the order of days. @throws what the system says, such as ENOENT for the folder */
export async function readCopies(dir: string, gateway: string | undefined): Promise<readonly string[]> {
  const names = (await readdir(dir)).filter((name) => {
    const day = /\.(\d{4}-\d\d-\d\d)\.checkpoints\.jsonl$/.exec(name)?.[1]
    return day !== undefined && (gateway === undefined || name === nameOf(gateway, day))
  })
  const texts: string[] = []
  for (const name of names.sort()) texts.push(await readFile(join(dir, name), 'utf8'))
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
}

/**
 * Adds checkpoints to the files of their days. Each file is replaced as a whole, so that it is never there by half.
 * @throws what the system says
 */
export async function addCopies(dir: string, gateway: string, checkpoints: readonly string[]): Promise<void> {
  const days = Map.groupBy(checkpoints, (text) => readCheckpoint(text)!.at.slice(0, 10))
  for (const [day, texts] of days) {
    const name = nameOf(gateway, day)
    const before = (await readFile(join(dir, name), 'utf8').catch(absent)) ?? ''
    const lines = [...before.split('\n').filter((line) => line !== ''), ...texts]
    await writeDurably(dir, name, Buffer.from(`${[...new Set(lines)].join('\n')}\n`))
  }
  if (days.size > 0) await syncFolder(dir)
}
