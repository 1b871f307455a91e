/** What the windows of a signal that start at one time are charged with. */
export interface Charge {
  /** id of the signal */
  readonly signal: string
  /** of the window, UnixMs */
  readonly start: number
  /** ε in millionths */
  readonly micro: number
}

/** What noise was drawn and charged for a pool so far, as far as is known. */
export interface NoiseState {
  /** of windows that start at `counted_from` or later: all there were */
  readonly charges: readonly Charge[]
  /** UnixMs; what was charged before is not known. Null: nothing was */
  readonly counted_from: number | null
  /** dataset → end of the last slot that noise may have been drawn for, UnixMs */
  readonly drawn_until: Readonly<Record<string, number>>
}

/** What a batch with noise charges; committed with it. */
export interface NoiseEntry {
  readonly charges: readonly Charge[]
  /** UnixMs: what windows were charged with that start before it is needed no more */
  readonly counted_from: number
}
