import type { UnixMs } from '../../core/brand.ts'

/** Presses of the simulated plant, in the order of their numbers. */
export const PRESSES = ['press-7', 'press-8'] as const
/** The hall they stand in. */
export const HALL = 'hall-2'

/** Condition of a press, as its PLC shows it. */
export interface PressReading {
  /** Cel */
  readonly oil_temperature: number
  /** bar */
  readonly pressure: number
  /** mm/s, RMS */
  readonly vibration: number
  /** finished cycles since the machine was built */
  readonly cycles: number
  /** 0 idle, 1 run, 2 fault */
  readonly state: 0 | 1 | 2
}

/** Parts that left a press, as the inspection station counts them; `total` is `good` + `ng`. */
export interface QualityReading {
  readonly good: number
  readonly ng: number
  readonly total: number
}

/** A plant that exists only as numbers. */
export interface Plant {
  /** Moves the plant on to `at`. The first call sets where it starts; an earlier time than the last changes nothing. */
  step(at: UnixMs): void
  press(i: number): PressReading
  /** temperature in Cel, humidity in % */
  hall(): { readonly temperature: number; readonly humidity: number }
  quality(i: number): QualityReading
}

const TICK = 500
const TICK_S = TICK / 1000
const MINUTE_S = 60

/** Parts a cycle. Enough for a thousand parts in ten minutes, so that a defect rate of a few percent can be seen. */
const CAVITIES = 12
/** Oil follows its equilibrium with this time constant. */
const OIL_LAG_S = 4 * MINUTE_S
/** Share of the way to its mean that a disturbance loses a second. */
const DISTURBANCE_DECAY = 1 / 120

/**
 * Chance that a part is defective: logistic in the oil temperature (Cel) and the humidity of the hall (%).
 * 4.7 % at 54 Cel and 52 %; the odds grow by 75 % for 5 Cel more, and by 65 % for 10 % of humidity more.
 * Viscosity of the oil and moisture in the compound are what such a line really suffers from.
 */
export function defectChance(oilTemperature: number, humidity: number): number {
  const logit = -3 + 0.112 * (oilTemperature - 54) + 0.05 * (humidity - 52)
  return 1 / (1 + Math.exp(-logit))
}

interface Press {
  readonly phase: number
  cycles: number
  oil: number
  pressure: number
  /** mm/s on top of the machine's own, grows until maintenance */
  wear: number
  vibration: number
  state: 0 | 1 | 2
  /** seconds left in an idle or fault state */
  stopped: number
  /** seconds into the cycle, and how long this one takes */
  into: number
  cycle: number
  good: number
  ng: number
}

/**
 * Two hydraulic presses in one hall, advanced in fixed steps of half a second, so that what it shows depends on the seed
 * and the simulated time alone, not on how often it is asked. Set points and climate change over one to two hours, faster than in
 * a real plant, because a demonstration is short.
 */
export function makePlant(seed: number): Plant {
  const random = makeRandom(seed)
  const [warm, moist] = [random(), random()]
  let origin: number | undefined
  let ticks = 0
  let draught = 0
  let damp = 0
  let temperature = 24
  let humidity = 52

  const presses: Press[] = PRESSES.map((_, i) => ({
    phase: random() + i / 2,
    cycles: 1_204_000 + Math.floor(random() * 90_000),
    oil: 0,
    pressure: 8,
    wear: random(),
    vibration: 0.3,
    state: 1,
    stopped: 0,
    into: 0,
    cycle: 7,
    good: 0,
    ng: 0,
  }))
  climate(0)
  for (const p of presses) p.oil = equilibrium(p, 0)

  function climate(t: number): void {
    draught += -draught * DISTURBANCE_DECAY * TICK_S + 0.03 * gauss(random)
    damp += -damp * DISTURBANCE_DECAY * TICK_S + 0.08 * gauss(random)
    temperature = 24 + 2.5 * wave(t, 83, warm) + 1.2 * wave(t, 29, moist) + draught
    // Warm air holds more water, so the relative humidity falls a little as the hall warms up.
    humidity = clamp(52 + 15 * wave(t, 71, moist) + 5 * wave(t, 23, warm) - 0.8 * (temperature - 24) + damp, 15, 95)
  }

  /** Where the oil would settle: hall, plus the load's heat, plus what the operators change at the cooler. */
  function equilibrium(p: Press, t: number): number {
    return temperature + (p.state === 1 ? 24 : 6) + 6 + 7 * wave(t, 59, p.phase) + 2.5 * wave(t, 17, p.phase * 3)
  }

  function finishCycle(p: Press): void {
    p.cycles++
    for (let part = 0; part < CAVITIES; part++) {
      if (random() < defectChance(p.oil, humidity)) p.ng++
      else p.good++
    }
    // Thin, hot oil makes the press a little faster.
    p.cycle = clamp(7 - 0.05 * (p.oil - 54) + 0.2 * gauss(random), 6, 8)
    p.wear = p.wear > 2.4 ? 0 : p.wear + 0.0004
    if (random() < 1 / 900) stop(p, 2, 20 + 70 * random())
    else if (random() < 1 / 500) stop(p, 0, 15 + 45 * random())
  }

  function stop(p: Press, state: 0 | 2, seconds: number): void {
    p.state = state
    p.stopped = seconds
  }

  function advance(p: Press, t: number): void {
    p.oil += ((equilibrium(p, t) - p.oil) / OIL_LAG_S) * TICK_S
    if (p.state !== 1) {
      p.stopped -= TICK_S
      if (p.stopped <= 0) {
        p.state = 1
        p.into = 0
      }
    } else {
      p.into += TICK_S
      if (p.into >= p.cycle) {
        p.into -= p.cycle
        finishCycle(p)
      }
    }
    p.pressure = Math.max(0, pressureIn(p) + 1.5 * gauss(random))
    p.vibration = Math.max(0.1, (p.state === 1 ? 1.6 + p.wear + p.pressure / 200 : 0.3) + 0.08 * gauss(random))
  }

  return {
    step(at) {
      origin ??= at
      for (const until = Math.floor((at - origin) / TICK); ticks < until; ) {
        const t = ++ticks * TICK_S
        climate(t)
        for (const p of presses) advance(p, t)
      }
    },
    press(i) {
      const { oil, pressure, vibration, cycles, state } = presses[i]!
      return { oil_temperature: oil, pressure, vibration, cycles, state }
    },
    hall: () => ({ temperature, humidity }),
    quality(i) {
      const { good, ng } = presses[i]!
      return { good, ng, total: good + ng }
    },
  }
}

/** Close the tool, press, hold, open; at rest the pump idles. Bar. */
function pressureIn(p: Press): number {
  if (p.state !== 1) return 8
  const phase = p.into / p.cycle
  const peak = 168 - 0.6 * (p.oil - 54)
  if (phase < 0.2) return 8 + 32 * (phase / 0.2)
  if (phase < 0.3) return 40 + (peak - 40) * ((phase - 0.2) / 0.1)
  return phase < 0.75 ? peak : 12
}

/** −1 to 1, with the period in minutes and the phase as a share of it. */
function wave(seconds: number, period: number, phase: number): number {
  return Math.sin(2 * Math.PI * (seconds / (period * MINUTE_S) + phase))
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, x))
}

/** Near enough to a standard normal for a simulation: the sum of three uniform draws, scaled (Irwin-Hall). */
function gauss(random: () => number): number {
  return 2 * (random() + random() + random() - 1.5)
}

/** Uniform draws from 0 up to 1 that repeat for a seed (mulberry32, public domain); for simulation only. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296
  }
}
