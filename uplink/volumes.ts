import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { absent, syncFolder, writeDurably } from './durable-file.ts'

/** Name of the list in a volume: one JSON line a file, in the order in which they were written. */
export const VOLUME_LIST = 'batches.jsonl'

const listed = z.object({ file: z.string(), bytes: z.number(), sha256: z.string() })

/** A file of a volume, as its list names it. */
export type ListedFile = Readonly<z.infer<typeof listed>>

/** The folders that a directory pool writes into. Everything is read anew each time, for the medium may be another one. */
export interface Volumes {
  /** The volume that holds this file. */
  find(file: string): Promise<string | undefined>
  /** The volume that takes a file of so many bytes, made where the last one is full. */
  open(bytes: number): Promise<string>
  /** Puts the file into the list of its volume, once, durably. */
  list(folder: string, entry: ListedFile): Promise<void>
  /** Takes these files, and the signatures beside them, out of every volume and its list, durably. */
  remove(files: ReadonlySet<string>): Promise<void>
}

/** @param size bytes a volume may hold, a larger file goes alone; absent: `dir` is the only volume */
export function makeVolumes(dir: string, size: number | undefined): Volumes {
  async function names(): Promise<readonly string[]> {
    if (size === undefined) return []
    return (await readdir(dir)).filter((name) => /^\d{6}$/.test(name)).sort()
  }

  const folders = async (): Promise<readonly string[]> => [dir, ...(await names()).map((name) => join(dir, name))]

  return {
    async find(file) {
      for (const folder of (await folders()).toReversed()) {
        if (await stat(join(folder, file)).catch(absent)) return folder
      }
      return undefined
    },
    async open(bytes) {
      if (size === undefined) return dir
      const last = (await names()).at(-1)
      if (last !== undefined) {
        const folder = join(dir, last)
        const held = (await readVolumeList(folder)).reduce((sum, entry) => sum + entry.bytes, 0)
        if (held === 0 || held + bytes <= size) return folder
      }
      const folder = join(dir, String(Number(last ?? 0) + 1).padStart(6, '0'))
      await mkdir(folder, { mode: 0o755 })
      await syncFolder(dir)
      return folder
    },
    async remove(files) {
      for (const folder of await folders()) {
        const there = (await readdir(folder)).filter((name) => files.has(name.replace(/\.sig$/, '')))
        if (there.length === 0) continue
        const kept = (await readVolumeList(folder)).filter(({ file }) => !files.has(file))
        await writeDurably(folder, VOLUME_LIST, Buffer.from(kept.map((entry) => `${JSON.stringify(entry)}\n`).join('')))
        for (const name of there) await rm(join(folder, name), { force: true })
        await syncFolder(folder)
      }
    },
    async list(folder, entry) {
      const text = (await readFile(join(folder, VOLUME_LIST), 'utf8').catch(absent)) ?? ''
      if (parse(text).some(({ file }) => file === entry.file)) return
      await using file = await open(join(folder, VOLUME_LIST), 'a', 0o644)
      // A line that a power cut tore is left as it is and ends here; whoever reads the list passes over it.
      const torn = text !== '' && !text.endsWith('\n')
      await file.writeFile(`${torn ? '\n' : ''}${JSON.stringify(entry)}\n`)
      await file.sync()
      if (text === '') await syncFolder(folder)
    },
  }
}

/** What a volume should hold; empty where it has no list. */
export async function readVolumeList(folder: string): Promise<readonly ListedFile[]> {
  return parse((await readFile(join(folder, VOLUME_LIST), 'utf8').catch(absent)) ?? '')
}

function parse(text: string): readonly ListedFile[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [listed.parse(JSON.parse(line))]
    } catch {
      return [] // the end, or a line that a power cut tore
    }
  })
}
