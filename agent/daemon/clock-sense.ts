import type { Clock } from '../../core/clock.ts'
import type { KernelAnswer } from './kernel-clock.ts'

/** Says whether the wall clock can be trusted (DESIGN §6): it is compared with the monotonic clock at every question. */
export interface ClockSense {
  /** False from a step larger than `max_skew` on, until the clock is back or has kept its new time for a while. */
  isSane(): boolean
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
 * @param input.max_skew ms
 * @param input.last when the clock was trusted last: where the monotonic clock has gone on since, it says what time it is now;
 * else a clock that is behind it is wrong
 * @param input.kernel what the kernel says, where only its word counts (`trust: ntp`)
 * @param input.changed told when trust is lost, with the reason in words, and when it is there again (null)
 */
export function makeClockSense(input: {
  readonly clock: Clock
  readonly max_skew: number
  readonly last: { readonly at: number; readonly monotonic: number | null } | null
  readonly kernel?: () => KernelAnswer
  readonly changed: (why: string | null) => void
}): ClockSense {
  const { clock, max_skew, kernel, changed } = input
  /** wall minus monotonic, ms: of the time that is believed, and of the one that is on probation since then */
  let believed = begin()
  let probation: { readonly offset: number; readonly since: number } | undefined
  /** monotonic time of the last step that was seen */
  let steppedAt = Number.NEGATIVE_INFINITY
  let sane = true

  function offset(): number {
    return clock.now() - clock.monotonic()
  }

  function begin(): number {
    const { last } = input
    if (last && last.monotonic !== null) return last.at - last.monotonic
    return Math.max(offset(), (last?.at ?? 0) - clock.monotonic())
  }

  /** Why the clock is not trusted, in words; null where it is. */
  function doubt(): string | null {
    const step = offset() - believed
    if (kernel) return doubtOf(kernel(), step)
    if (judge()) return null
    return clock.now() < EARLIEST ? NEVER_SET : stepped(step)
  }

  /** What the kernel said before a step says nothing about the time after it. */
  function doubtOf({ synchronized, asked }: KernelAnswer, step: number): string | null {
    if (Math.abs(step) > max_skew) steppedAt = clock.monotonic()
    believed = offset()
    if (synchronized === null) return UNASKABLE
    if (clock.now() < EARLIEST) return NEVER_SET
    if (!synchronized) return 'the kernel says that the clock does not follow a time server'
    return asked > steppedAt ? null : stepped(step)
  }

  function judge(): boolean {
    const now = offset()
    if (clock.now() < EARLIEST) return false
    const stays = probation && Math.abs(now - probation.offset) <= max_skew
    if (!stays) probation = { offset: now, since: clock.monotonic() }
    const proven = clock.monotonic() - probation!.since >= PROBATION
    if (Math.abs(now - believed) > max_skew && !proven) return false
    believed = now // follows what NTP slews
    return true
  }

  return {
    isSane() {
      const why = doubt()
      if (sane !== (why === null)) changed(why)
      sane = why === null
      return sane
    },
  }
}

function stepped(by: number): string {
  return `the clock ${by < 0 ? 'went back' : 'jumped ahead'} by ${Math.round(Math.abs(by) / 1_000)} s`
}
