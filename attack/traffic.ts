import { areaUnderCurve, type Estimate } from './estimate.ts'

/** What the network shows of one batch, and what the attacker wants to know of its period. */
export interface Observed {
  readonly bytes: number
  /** ms from the end of the period to the moment it is sent */
  readonly delay: number
  readonly working: boolean
}

/** A6: how well the size of a batch, and the moment it is sent, tell a working plant from an idle one. */
export function trafficAttack(seen: readonly Observed[]): { readonly by_size: Estimate; readonly by_time: Estimate } {
  const by = (score: (o: Observed) => number): Estimate =>
    eitherWay(seen.filter((o) => o.working).map(score), seen.filter((o) => !o.working).map(score))
  return { by_size: by((o) => o.bytes), by_time: by((o) => -o.delay) }
}

/** The attacker knows from plants of his own which way a score points. */
function eitherWay(working: readonly number[], idle: readonly number[]): Estimate {
  const given = areaUnderCurve(working, idle)
  return given.value >= 0.5 ? given : areaUnderCurve(idle, working)
}
