import type { BatchAccounts } from '../../buffer/batch-port.ts'
import type { Store } from '../../buffer/port.ts'
import { readStatus } from '../../buffer/read-status.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { openPoolClient, signingKeysOf } from '../daemon/gate.ts'
import { type Leaving, leavingOf, type PoolDesk, remotePools } from '../daemon/pool-desk.ts'
import type { AgentStatus } from '../daemon/status.ts'
import { withdrawOwed } from '../daemon/withdraw.ts'
import {
  type CommonOptions,
  EXIT_FAILED,
  formatTime,
  type LoadedGateway,
  loadWithGateway,
  printJson,
  unlessAbsent,
} from './common.ts'
import { openDataFolder } from './data-folder.ts'
import { missingFromReceipts, renderWithdrawn } from './withdrawal-text.ts'

const clock = makeClock()

/** What the pool cannot undo, in the words that PRIVACY.md stands for. */
const HONEST =
  'Other gateways of the plant have streams of their own there: run this on each. What was delivered was disclosed: the pool removes its files and keeps the proof, but whoever read them before may have copies, and what was trained on them is not unlearned.'

/** `sluice pool withdraw`: leaves a pool. Stops sealing, destroys the queue, has the pool delete what it has. */
export async function withdrawFromPool(
  pool: string,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<void> {
  const loaded = loadOf(pool, options)
  if (!loaded) return
  const desk = await openPools(loaded)
  if (!options.yes) {
    const { queued, quarantined } = await desk.batches(pool)
    console.error(`${queued} queued and ${quarantined} quarantined batches would be destroyed. ${HONEST}`)
    throw new Fault('usage', { pool }, 'the plant would leave the pool for good, until it joins again: say --yes')
  }
  const { delivered } = await desk.batches(pool)
  const { withdrawal, fault } = await desk.withdraw(pool)
  const done = withdrawal.streams.filter(({ receipt }) => receipt !== null)
  const owed = withdrawal.streams.length - done.length
  if (owed > 0) process.exitCode = EXIT_FAILED
  const missing = missingFromReceipts(withdrawal, delivered)
  if (options.json) return printJson({ pool, since: withdrawal.since, withdrawn: done, owed, missing, fault })
  console.log(
    `${pool}: left ${formatTime(withdrawal.since)}; nothing more is sealed for it, and what was queued is gone`,
  )
  const ordered = done.filter(({ receipt }) => receipt?.kind === 'file').length
  console.log(renderWithdrawn({ owed, done: done.length, ordered }))
  if (missing > 0) console.log(`${missing} batches that were delivered are in no receipt of the pool: ask its operator`)
  if (fault) console.log(`not yet: ${fault.message}. ${desk.goesOn}`)
  console.log(HONEST)
}

/** `sluice pool join`: takes part again in a pool that was left, under a new stream. */
export async function joinPoolAgain(pool: string, options: CommonOptions): Promise<void> {
  const loaded = loadOf(pool, options)
  if (!loaded) return
  const desk = await openPools(loaded)
  const joined = await desk.join(pool)
  if (!joined) throw new Fault('usage', { pool }, 'the plant has not left this pool')
  if (options.json) printJson({ pool, joined })
  else console.log(`${pool}: joined again; sealing begins anew from now on, in another stream`)
}

function loadOf(pool: string, options: CommonOptions): LoadedGateway | undefined {
  const loaded = loadWithGateway(options.config)
  if (loaded && !Object.hasOwn(loaded.pools, pool))
    throw new Fault('usage', { pool }, 'the configuration names no such pool: it must, to say how the pool is reached')
  return loaded
}

interface Desk extends PoolDesk {
  batches(pool: string): Promise<Pick<BatchAccounts, 'queued' | 'quarantined' | 'delivered'>>
  /** how what is not done goes on */
  readonly goesOn: string
}

const NONE = { queued: 0, quarantined: 0, delivered: 0 }

/** The pools of the running agent, else of its data folder. */
async function openPools(loaded: LoadedGateway): Promise<Desk> {
  const { data_dir } = loaded.gateway
  const socket = socketPath(data_dir, loaded.control?.socket)
  const running = (await unlessAbsent(askAgent(socket, 'status'))) as AgentStatus | undefined
  if (running)
    return {
      // The pool is asked before the agent answers, and may take its time.
      ...remotePools((argument) => askAgent(socket, 'pool', argument, 15 * 60_000)),
      batches: async (pool) => running.store.pools[pool]?.batches ?? NONE,
      goesOn: 'The agent tries again for as long as it takes; `sluice status` shows how far it is.',
    }
  return {
    withdraw: (pool) => inFolder(loaded, (store) => withdrawHere(loaded, store, pool)),
    join: (pool) => inFolder(loaded, async (store) => store.joinPool(pool, clock.now())),
    batches: async (pool) => readStatus(data_dir, clock.now()).pools[pool]?.batches ?? NONE,
    goesOn: 'Start the agent, which goes on with it, or run this again.',
  }
}

async function inFolder<T>(loaded: LoadedGateway, act: (store: Store) => Promise<T>): Promise<T> {
  using store = openDataFolder(loaded, 'pool', clock)
  return await act(store)
}

async function withdrawHere(loaded: LoadedGateway, store: Store, pool: string): Promise<Leaving> {
  store.openPool(pool)
  const withdrawal = store.withdrawPool(pool, clock.now())
  const of = loaded.pools[pool]!
  if (!of.config) return leavingOf(withdrawal, of.gate.fault)
  const notUsed = (): void => undefined // certificates are read once here
  const fault = await withdrawOwed({
    pool,
    open: () => openPoolClient(pool, of, notUsed),
    store: {
      withdrawal: async (name) => store.withdrawal(name),
      noteWithdrawn: async (name, stream, receipt, at) => store.noteWithdrawn(name, stream, receipt, at),
    },
    keys: () => signingKeysOf(of, (file, why) => console.error(`a former signing key, ${file}: ${why}`)),
    clock,
    signal: new AbortController().signal,
  })
  return leavingOf(store.withdrawal(pool) ?? withdrawal, fault)
}
