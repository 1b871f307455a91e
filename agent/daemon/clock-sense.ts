import type { Clock } from '../../core/clock.ts'
import type { KernelAnswer } from './kernel-clock.ts'

/** Says whether the wall clock can be trusted (DESIGN §6): it is compared with the monotonic clock at every question. */
export interface ClockSense {
  /** False from a step larger than `max_skew` on, until the clock is back or its new time is believed. */
  isSane(): boolean
  /** Why it is not trusted, in words, as of the last question; null where it is. */
  readonly doubt: string | null
  /** A person says that the clock is right as it stands: it is trusted until it steps again, unless it was never set. */
  accept(): void
}

/** What `sluice clock` shows. */
export interface ClockState {
  /** UnixMs */
  readonly now: number
  readonly trusted: boolean
  /** why it is not, or null */
  readonly doubt: string | null
}

const NEVER_SET = 'the clock was never set'
/** Why `trust: ntp` can never be satisfied. */
export const UNASKABLE =
  'nothing here tells whether the clock follows a time server: timedatectl with the system bus, or /run/systemd/timesync'

/** Before this the clock was never set: a gateway without battery boots in 1970 or at its image's date. */
const EARLIEST = Date.UTC(2026, 0, 1)
/** So long (ms) a clock that stepped must keep its new time before it is believed: a slip of minutes is mended by then. */
const PROBATION = 600_000
/**
 * A clock that was right in this boot and is set ahead by more than this (ms) is not believed for being steady: all up to its
 * new time would be sealed, and nothing after it was set back. A time server or a person must stand by it.
 */
const LEAP = 86_400_000

/**
 * @param input.trust `system`: a clock that does not step is right · `ntp`: one that the kernel said follows a time server,
 * and has not stepped since
 * @param input.max_skew ms
 * @param input.last when the clock was trusted last: where the monotonic clock has gone on since, it says what time it is now;
 * else a clock that is behind it is wrong
 * @param input.kernel what the kernel says
 * @param input.changed told when trust is lost, with the reason in words, and when it is there again (null)
 */
export function makeClockSense(input: {
  readonly clock: Clock
  readonly trust: 'system' | 'ntp'
  readonly max_skew: number
  readonly last: { readonly at: number; readonly monotonic: number | null } | null
  readonly kernel: () => KernelAnswer
  readonly changed: (why: string | null) => void
}): ClockSense {
  const { clock, max_skew, kernel, changed, last } = input
  /** wall minus monotonic time (ms) as it is believed */
  let believed = input.trust === 'system' ? begin() : undefined
  /** whether it was believed in this boot of the machine; else it is a guess: how long the machine was off is not known */
  let isOfBoot = last !== null && last.monotonic !== null
  /** the same of the clock as it stands, since when (monotonic), and whether it was set then */
  let stand = { offset: offset(), since: clock.monotonic(), isSet: false }
  let doubt: string | null = null

  function offset(): number {
    return clock.now() - clock.monotonic()
  }

  function begin(): number {
    if (last && last.monotonic !== null) return last.at - last.monotonic
    return Math.max(offset(), (last?.at ?? 0) - clock.monotonic())
  }

  function believe(): null {
    believed = offset() // follows what NTP slews
    isOfBoot = true
    return null
  }

  /** What the kernel said before the clock was set says nothing about the time after it. */
  function isConfirmed({ synchronized, asked }: KernelAnswer): boolean {
    return synchronized === true && (!stand.isSet || asked > stand.since)
  }

  function judge(): string | null {
    if (Math.abs(offset() - stand.offset) > max_skew)
      stand = { offset: offset(), since: clock.monotonic(), isSet: true }
    if (clock.now() < EARLIEST) return NEVER_SET
    return input.trust === 'ntp' ? judgeByServer() : judgeBySteps(offset() - believed!)
  }

  function judgeBySteps(step: number): string | null {
    if (Math.abs(step) <= max_skew) return believe()
    const isKept = clock.monotonic() - stand.since >= PROBATION
    if (!isOfBoot || step <= LEAP) return isKept ? believe() : stepped(step)
    return isConfirmed(kernel()) && isKept ? believe() : `${stepped(step)}, which no time server has confirmed`
  }

  /** A gateway that is offline for long hears "not synchronized"; its clock drifts by seconds a day, no more. */
  function judgeByServer(): string | null {
    const said = kernel()
    if (isConfirmed(said)) return believe()
    if (believed === undefined)
      return said.synchronized === null ? UNASKABLE : 'the kernel says that the clock does not follow a time server'
    const step = offset() - believed
    return Math.abs(step) <= max_skew ? null : stepped(step)
  }

  function isSane(): boolean {
    const before = doubt
    doubt = judge()
    if ((before === null) !== (doubt === null)) changed(doubt)
    return doubt === null
  }

  return {
    isSane,
    get doubt() {
      return doubt
    },
    accept() {
      if (clock.now() >= EARLIEST) believe()
      isSane()
    },
  }
}

function stepped(by: number): string {
  return `the clock ${by < 0 ? 'went back' : 'jumped ahead'} by ${Math.round(Math.abs(by) / 1_000)} s`
}
