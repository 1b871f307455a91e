import type { AuditHead, Leaf } from '../../core/audit.ts'
import { type Chain, makeChain } from '../../core/audit-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import type { SigningKey } from '../../uplink/signature.ts'
import { openAuditKey } from '../audit/audit-key.ts'
import { type Checkpoint, readCheckpoint, signCheckpoint } from '../audit/checkpoint.ts'
import { addCopies, readCopies } from '../audit/copies.ts'
import type { StoreClient } from './store-client.ts'

type NotaryStore = Pick<StoreClient, 'look' | 'addCheckpoint' | 'record'>

/** Leaves and checkpoints asked for at a time. */
const STRIDE = 256

/** Signs checkpoints of the transparency log, and keeps copies of them in a second place. */
export interface Notary {
  /**
   * Signs how far the log has come, where it has grown, and that it goes on from what was signed last; then brings the second
   * place up to date. While that place is absent nothing else waits for it.
   * @throws Fault `audit-key`, or where the store cannot be asked
   */
  sign(): Promise<void>
  /** Resolves once the copying that goes on has ended. */
  copied(): Promise<void>
}

/** @param input.dir the second place; absent: none */
export function makeNotary(input: {
  readonly store: NotaryStore
  /** read anew for each checkpoint: @throws Fault `audit-key` */
  readonly key: () => SigningKey
  readonly dir: string | undefined
  readonly gateway: string
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** the log does not follow on what was signed last */
  readonly broken: (fault: Fault) => void
}): Notary {
  const { store, dir, gateway, clock, log } = input
  let signed: Pick<Checkpoint, 'size' | 'hash' | 'kid'> | undefined
  /** signed and not copied since the second place was looked at */
  const fresh: string[] = []
  /** whether all that is not fresh is known to lie there */
  let isKnown = false
  let isFailing = false
  let copying: Promise<void> | undefined

  async function checkpoints(after: number): Promise<readonly string[]> {
    const found: string[] = []
    for (let size = after; ; ) {
      const texts = (await store.look({ kind: 'checkpoints', size, limit: STRIDE })) as readonly string[]
      found.push(...texts)
      const last = texts.length === STRIDE ? readCheckpoint(texts.at(-1)!) : undefined
      if (!last) return found
      size = last.size
    }
  }

  async function lastSigned(): Promise<Checkpoint | undefined> {
    const last = (await checkpoints(0)).at(-1)
    return last === undefined ? undefined : readCheckpoint(last)
  }

  /** Reads what was written after a place, or all of the log. */
  async function follow(after?: AuditHead, see?: (leaf: Leaf) => void): Promise<Chain> {
    const chain = makeChain(after)
    for (;;) {
      const texts = (await store.look({ kind: 'leaves', from: chain.size, limit: STRIDE })) as readonly string[]
      for (const text of texts) {
        const taken = chain.take(text)
        if (taken) see?.(taken.leaf)
      }
      if (texts.length < STRIDE) return chain
    }
  }

  /** Looked for in all of the log: the old key may have signed since. */
  async function isLedTo(key: string): Promise<boolean> {
    let isLed = false
    await follow(undefined, (leaf) => {
      isLed ||= leaf.kind === 'key_rotated' && leaf.after === key
    })
    return isLed
  }

  async function copy(): Promise<void> {
    try {
      const there = isKnown ? undefined : new Set(await readCopies(dir!, gateway))
      const missing = there ? (await checkpoints(0)).filter((text) => !there.has(text)) : []
      const now = fresh.slice()
      await addCopies(dir!, gateway, [...missing, ...now])
      fresh.splice(0, now.length)
      isKnown = true
      if (isFailing) log.info({ folder: dir }, 'checkpoints are copied again')
      isFailing = false
    } catch (err) {
      isKnown = false // another medium may come
      fresh.splice(0)
      if (!isFailing)
        log.warn({ folder: dir, err }, 'checkpoints cannot be copied; it is tried again with each new one')
      isFailing = true
    }
  }

  return {
    async sign() {
      signed ??= await lastSigned()
      const key = input.key()
      // Whoever rotates it logs that with the signatures of both; a key that was lost can give none.
      if (signed && signed.kid !== key.id && !(await isLedTo(key.id)))
        await store.record({ kind: 'key_rotated', what: 'audit', before: signed.kid, after: key.id }, clock.now())
      const { size, hash, ...chain } = await follow(signed)
      if (size > (signed?.size ?? 0)) {
        const [first] = chain.breaks()
        if (first) {
          const message = `the transparency log does not follow on itself at leaf ${first.n} (${first.kind})`
          input.broken(new Fault('audit-broken', {}, message))
        }
        const text = signCheckpoint(key, { size, hash }, clock.now())
        await store.addCheckpoint(size, text)
        signed = { size, hash, kid: key.id }
        fresh.push(text)
      }
      if (dir === undefined || (isKnown && fresh.length === 0)) return
      // A share that hangs is not asked twice.
      copying ??= copy().finally(() => {
        copying = undefined
      })
    },
    copied: async () => copying,
  }
}

/** A share that hangs does not hold up a stop for longer (ms). */
const LAST_COPY = 1_000

/**
 * Signs at once, at every interval and at the stop, and says in alarms what keeps it from that.
 * @param input.checkpoints the second place · `every` ms
 */
export function startNotary(input: {
  readonly checkpoints?: string | undefined
  readonly every: number
  readonly gateway: { readonly name: string; readonly data_dir: string }
  readonly store: NotaryStore
  readonly clock: Clock
  readonly log: Log
  readonly alarm: (key: string, fault: Fault | null) => void
}): AsyncDisposable {
  const { gateway, every, clock, log, alarm } = input
  const notary = makeNotary({
    ...input,
    key: () => openAuditKey(gateway.data_dir),
    dir: input.checkpoints,
    gateway: gateway.name,
    broken: (fault) => alarm('audit:chain', fault),
  })
  /** what the open alarm is about; the last run may have left one open */
  let alarmed: string | null = 'the last run'
  let signing = sign()

  async function sign(): Promise<void> {
    try {
      await notary.sign()
      if (alarmed !== null) alarm('audit', null)
      alarmed = null
    } catch (err) {
      if (!(err instanceof Fault && err.code === 'audit-key')) return log.warn({ err }, 'no checkpoint could be signed')
      if (alarmed !== err.message) alarm('audit', err)
      alarmed = err.message
    }
  }

  const timer = setInterval(() => {
    signing = signing.then(sign)
  }, every)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await signing
      await sign()
      const ended = new AbortController()
      await Promise.race([notary.copied(), clock.sleep(LAST_COPY, ended.signal)])
      ended.abort()
    },
  }
}
