import { resolve } from 'node:path'
import type { OutboxEntry, OutboxFilter } from '../../buffer/batch-port.ts'
import { outboxBatch } from '../../buffer/batch-store.ts'
import { readTables } from '../../buffer/read-status.ts'
import type { BatchId, BatchState } from '../../core/batch.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { openDirectoryPool } from '../../uplink/directory-pool.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { makeOutboxDesk, type OutboxDesk, remoteDesk, sealedBatchOf } from '../daemon/outbox-desk.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, unlessAbsent } from './common.ts'
import { openDataFolder } from './data-folder.ts'
import { renderBatch, renderEntries, showBatch } from './outbox-text.ts'

/** Which batches a command means: named ones, or all that match. */
interface Selection extends CommonOptions {
  readonly pool?: string
  readonly state?: readonly BatchState[]
  readonly all?: boolean
}

type OpenDesk = OutboxDesk & AsyncDisposable & { readonly isRunning: boolean }

const clock = makeClock()

/** `sluice outbox list`: batches newest first; by default those that are not settled. */
export async function listOutbox(options: Selection & { readonly limit: number }): Promise<void> {
  await using desk = await openDesk(options, 'read')
  if (!desk) return
  const { pool, state = ['queued', 'quarantined'], limit } = options
  const entries = await desk.list({ ...(pool !== undefined && { pool }), states: state, limit })
  if (options.json) return printJson(entries)
  console.log(entries.length === 0 ? 'no batches' : renderEntries(entries, clock.now()))
  if (entries.length === limit) console.log(`the newest ${limit}; --limit shows more`)
}

/** `sluice outbox show ID`: what a sealed file says of itself, its columns and its first rows. */
export async function showOutbox(id: string, options: CommonOptions & { readonly rows: number }): Promise<void> {
  await using desk = await openDesk(options, 'read')
  if (!desk) return
  const shown = await desk.show(id)
  if (!shown) throw new Fault('usage', { batch: id }, 'there is no such batch; delivered ones are forgotten in time')
  const batch = showBatch(shown, options.rows)
  if (options.json) printJson(batch)
  else console.log(renderBatch(batch, clock.now()))
}

/** `sluice outbox retry`: quarantined batches are queued again, and a running agent tries every pool at once. */
export async function retryOutbox(ids: readonly string[], options: Selection): Promise<void> {
  await using desk = await openDesk(options, 'write')
  if (!desk) return
  const filter = filterOf(ids, options)
  const done = await desk.retry(filter)
  if (options.json) printJson({ retried: done })
  else
    console.log(
      `queued again: ${batches(done.length)}${desk.isRunning ? '; the agent tries every pool again now' : ''}`,
    )
  await complain(desk, ids, done, 'is not quarantined, or its bytes are gone')
}

/** `sluice outbox export`: sealed files and their signatures, as a directory pool holds them. Nothing is settled by it. */
export async function exportOutbox(
  ids: readonly string[],
  options: Selection & { readonly to: string },
): Promise<void> {
  await using desk = await openDesk(options, 'read')
  if (!desk) return
  const meant = await desk.list({ states: options.state ?? ['queued', 'quarantined'], ...filterOf(ids, options) })
  await using folder = openDirectoryPool({ name: 'export', dir: resolve(options.to) })
  const done: BatchId[] = []
  for (const { id, held } of meant) {
    const batch = held ? (await desk.show(id))?.batch : undefined
    if (!batch) continue
    const verdict = await folder.deliver(sealedBatchOf(batch), new AbortController().signal)
    if (verdict.kind !== 'accepted') throw verdict.fault
    done.push(id)
  }
  if (options.json) printJson({ exported: done, folder: resolve(options.to) })
  else console.log(`written to ${resolve(options.to)}, with signatures beside them: ${batches(done.length)}`)
  await complain(desk, ids, done, 'cannot be exported: its bytes are gone')
}

/** `sluice outbox drop`: gives batches up for good, for a reason; accounted as `dropped{operator}`. */
export async function dropOutbox(
  ids: readonly string[],
  options: Selection & { readonly reason: string; readonly yes?: boolean },
): Promise<void> {
  await using desk = await openDesk(options, options.yes ? 'write' : 'read')
  if (!desk) return
  const filter = filterOf(ids, options)
  if (!options.yes) {
    const meant = (await desk.list({ states: ['queued', 'quarantined'], ...filter })).filter(isOpen)
    if (meant.length > 0) console.error(renderEntries(meant, clock.now()))
    throw new Fault('usage', {}, `${batches(meant.length)} would be lost for good: say --yes`)
  }
  const done = await desk.drop(filter, options.reason)
  if (options.json) printJson({ dropped: done })
  else console.log(`given up: ${batches(done.length)}`)
  await complain(desk, ids, done, 'is settled already')
}

const batches = (n: number): string => `${n} ${n === 1 ? 'batch' : 'batches'}`

const isOpen = ({ state }: OutboxEntry): boolean => state === 'queued' || state === 'quarantined'

/** @throws Fault `usage` where neither batches nor --all are named, or both */
function filterOf(ids: readonly string[], { pool, state, all }: Selection): OutboxFilter {
  if (ids.length > 0 === (all === true)) throw new Fault('usage', {}, 'name batches, or say --all')
  return { ...(ids.length > 0 && { ids }), ...(pool !== undefined && { pool }), ...(state && { states: state }) }
}

/** Says of each named batch that nothing was done with it why; the command has failed then. */
async function complain(desk: OutboxDesk, ids: readonly string[], done: readonly string[], why: string): Promise<void> {
  const left = ids.filter((id) => !done.includes(id))
  if (left.length === 0) return
  const known = new Map((await desk.list({ ids: left })).map((entry) => [String(entry.id), entry]))
  for (const id of left) {
    const entry = known.get(id)
    console.error(`sluice: batch ${id}: ${entry ? `${entry.state}; it ${why}` : 'there is no such batch'}`)
  }
  process.exitCode = EXIT_FAILED
}

/**
 * The outbox of the running agent (`isRunning`), else of its data folder, which `write` opens as an agent would.
 * @returns undefined where the configuration is not right, which was said then
 */
async function openDesk(options: CommonOptions, access: 'read' | 'write'): Promise<OpenDesk | undefined> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return undefined
  const { gateway } = loaded
  const resources = new AsyncDisposableStack()
  const opened = (desk: OutboxDesk, isRunning = false): OpenDesk => ({
    ...desk,
    isRunning,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  })
  const socket = socketPath(gateway.data_dir, loaded.control?.socket)
  const running = remoteDesk((argument) => askAgent(socket, 'outbox', argument))
  if (await unlessAbsent(running.list({ limit: 0 }))) return opened(running, true)
  if (access === 'read') {
    const { data_dir } = gateway
    const onlyRead = (): never => {
      throw new Error('the outbox was opened for reading')
    }
    const tables = {
      outbox: (filter: OutboxFilter) => readTables(data_dir, (t) => t.triage.list(filter)),
      outboxBatch: (id: string) => readTables(data_dir, (t) => outboxBatch(t, id)),
      retryBatches: onlyRead,
      dropBatches: onlyRead,
    }
    return opened(makeOutboxDesk(tables, clock.now))
  }
  return opened(makeOutboxDesk(resources.use(openDataFolder(loaded, 'outbox', clock)), clock.now))
}
