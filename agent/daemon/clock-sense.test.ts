import { describe, expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeClockSense } from './clock-sense.ts'
import type { KernelAnswer } from './kernel-clock.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const START = Date.UTC(2026, 5, 1, 12)

function setUp(
  options: {
    readonly start?: number
    readonly last?: number | Parameters<typeof makeClockSense>[0]['last']
    readonly trust?: 'system' | 'ntp'
  } = {},
) {
  const clock = makeFakeClock(options.start ?? START)
  const told: (string | null)[] = []
  const isNtp = options.trust === 'ntp'
  let answer: KernelAnswer = { synchronized: isNtp ? true : null, asked: 0 }
  const sense = makeClockSense({
    clock,
    trust: options.trust ?? 'system',
    max_skew: 5 * MINUTE,
    last: typeof options.last === 'number' ? { at: options.last, monotonic: null } : (options.last ?? null),
    kernel: () => answer,
    changed: (why) => told.push(why),
  })
  /** What the kernel says from a second later on. */
  async function say(synchronized: boolean | null) {
    await clock.advance(1_000)
    answer = { synchronized, asked: clock.monotonic() }
  }
  /** What it says once a second for this long. */
  async function ask(ms: number): Promise<readonly boolean[]> {
    const answers: boolean[] = []
    for (let passed = 0; passed < ms; passed += 1_000) {
      await clock.advance(1_000)
      answers.push(sense.isSane())
    }
    return answers
  }
  return { clock, told, sense, ask, say }
}

describe('the sense of the wall clock', () => {
  it('trusts a clock that runs', async () => {
    const { ask, told } = setUp({ last: START - DAY })
    expect(new Set(await ask(30 * MINUTE))).toEqual(new Set([true]))
    expect(told).toEqual([])
  })

  it.each([DAY, -DAY])('distrusts a step of %i ms, and trusts it again as soon as it is taken back', async (step) => {
    const { clock, ask, sense, told } = setUp()
    await ask(MINUTE)
    clock.step(step)
    expect(new Set(await ask(4_000))).toEqual(new Set([false]))
    clock.step(-step)
    expect(sense.isSane()).toBe(true)
    expect(told).toEqual([`the clock ${step > 0 ? 'jumped ahead' : 'went back'} by ${Math.abs(step) / 1_000} s`, null])
  })

  it('believes a new time that is kept for ten minutes, and no sooner', async () => {
    const { clock, ask } = setUp()
    await ask(MINUTE)
    clock.step(9 * 60 * MINUTE)
    const answers = await ask(11 * MINUTE)
    expect(answers.indexOf(true)).toBe(600)
    expect(new Set(answers.slice(600))).toEqual(new Set([true]))
  })

  it('does not believe a step of a month for being steady, whether or not the agent is started again', async () => {
    const first = setUp()
    await first.ask(MINUTE)
    first.clock.step(31 * DAY)
    expect(new Set(await first.ask(40 * MINUTE))).toEqual(new Set([false]))
    expect(first.told).toEqual(['the clock jumped ahead by 2678400 s, which no time server has confirmed'])
    const again = setUp({ start: START + 31 * DAY, last: { at: START, monotonic: 0 } })
    expect(new Set(await again.ask(40 * MINUTE))).toEqual(new Set([false]))
    first.clock.step(-31 * DAY)
    expect(first.sense.isSane()).toBe(true)
  })

  it('believes it once a time server stands by it, ten minutes after at the soonest', async () => {
    const { clock, ask, say } = setUp()
    await say(true)
    await ask(MINUTE)
    clock.step(31 * DAY)
    expect(new Set(await ask(20 * MINUTE))).toEqual(new Set([false])) // what was said before tells nothing
    await say(true)
    expect(await ask(1_000)).toEqual([true])
    clock.step(31 * DAY)
    await ask(1_000)
    await say(true)
    expect(new Set(await ask(9 * MINUTE))).toEqual(new Set([false]))
  })

  it.each(['system', 'ntp'] as const)('believes a person at once, and until the next step ($0)', async (trust) => {
    const { clock, ask, sense, told, say } = setUp({ trust })
    await say(false)
    await ask(MINUTE)
    clock.step(31 * DAY)
    expect(await ask(1_000)).toEqual([false])
    sense.accept()
    expect([sense.doubt, told.at(-1)]).toEqual([null, null])
    expect(new Set(await ask(30 * MINUTE))).toEqual(new Set([true]))
    clock.step(-31 * DAY)
    expect(sense.isSane()).toBe(false)
  })

  it('believes no person about a clock that was never set, and the first time that is set then', async () => {
    const { clock, ask, sense } = setUp({ start: 0, last: START - 31 * DAY })
    sense.accept()
    expect(sense.doubt).toBe('the clock was never set')
    clock.step(START)
    const answers = await ask(11 * MINUTE)
    expect(answers.indexOf(true)).toBe(600)
  })

  it.each([0, 31 * DAY])('trusts the clock of a machine that was off for long (%i ms)', async (off) => {
    const { ask, told } = setUp({ last: START - off })
    expect(new Set(await ask(11 * MINUTE))).toEqual(new Set([true]))
    expect(told).toEqual([])
  })

  it('begins the ten minutes anew at each further step', async () => {
    const { clock, ask } = setUp()
    clock.step(DAY)
    expect(await ask(9 * MINUTE)).not.toContain(true)
    clock.step(DAY)
    expect(await ask(9 * MINUTE)).not.toContain(true)
  })

  it('follows a clock that is slewed, and steps within max_skew', async () => {
    const { clock, ask, told } = setUp()
    for (let i = 0; i < 10; i++) {
      clock.step(4 * MINUTE)
      await ask(MINUTE)
    }
    expect(told).toEqual([])
  })

  it('distrusts a clock that starts before what was stored last', async () => {
    const { clock, sense, told } = setUp({ last: START + 30 * DAY })
    expect(sense.isSane()).toBe(false)
    clock.step(30 * DAY)
    expect(sense.isSane()).toBe(true)
    expect(told).toEqual([`the clock went back by ${(30 * DAY) / 1_000} s`, null])
  })

  it.each([DAY, -DAY])('knows after a restart in the same boot that the clock has stepped by %i ms', async (step) => {
    const { clock, sense, told } = setUp({ start: START + step, last: { at: START, monotonic: 0 } })
    expect(sense.isSane()).toBe(false)
    clock.step(-step)
    expect(sense.isSane()).toBe(true)
    expect(told[1]).toBeNull()
  })

  it('trusts a clock that was right in the same boot, though the machine’s time went on', async () => {
    const { sense } = setUp({ start: START + DAY, last: { at: START + DAY - 5_000, monotonic: -5_000 } })
    expect(sense.isSane()).toBe(true)
  })

  describe('that takes the kernel’s word alone', () => {
    const ntp = (start = START) => setUp({ start, trust: 'ntp' })

    it('trusts none that does not follow a time server, however long it is steady', async () => {
      const { clock, sense, told, say } = ntp()
      await say(false)
      expect(sense.isSane()).toBe(false)
      await clock.advance(30 * MINUTE)
      expect(sense.isSane()).toBe(false)
      await say(true)
      expect(sense.isSane()).toBe(true)
      expect(told).toEqual(['the kernel says that the clock does not follow a time server', null])
    })

    it('trusts one that once followed it through a week without it, until it steps', async () => {
      const { clock, sense, told, ask, say } = ntp()
      await ask(1_000)
      for (const answer of [false, null]) {
        await say(answer)
        await clock.advance(3 * DAY)
        expect(sense.isSane()).toBe(true)
      }
      clock.step(6 * MINUTE)
      expect(sense.isSane()).toBe(false)
      await clock.advance(30 * MINUTE)
      expect(sense.isSane()).toBe(false)
      clock.step(-2 * MINUTE)
      expect(sense.isSane()).toBe(true)
      await say(true)
      expect(sense.isSane()).toBe(true)
      expect(told).toEqual(['the clock jumped ahead by 360 s', null])
    })

    it('believes a step at once where the kernel says so after it, not where it said so before', async () => {
      const { clock, sense, told, ask, say } = ntp()
      await ask(10_000)
      clock.step(DAY)
      expect(sense.isSane()).toBe(false)
      await clock.advance(10 * MINUTE)
      expect(sense.isSane()).toBe(false)
      await say(true)
      expect(sense.isSane()).toBe(true)
      expect(told).toEqual(['the clock jumped ahead by 86400 s', null])
    })

    it('trusts nothing where nobody can ask, and says so', async () => {
      const { sense, told, say } = ntp()
      await say(null)
      expect(sense.isSane()).toBe(false)
      expect(told[0]).toContain('timedatectl')
    })

    it('does not trust 1970, whatever the kernel says', () => {
      expect(ntp(0).sense.isSane()).toBe(false)
    })
  })

  it('never trusts a clock that was not set, however long it runs', async () => {
    const { ask, told } = setUp({ start: 0 })
    expect(await ask(30 * MINUTE)).not.toContain(true)
    expect(told).toEqual(['the clock was never set'])
  })
})
