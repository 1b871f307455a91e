/**
 * Full-jitter exponential backoff (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015):
 * a uniform draw from 0 to min(cap, base × 2^attempt), never under `floor`. Milliseconds; attempt counts from 0.
 */
export function backoffMs(
  attempt: number,
  limits: { readonly base: number; readonly cap: number; readonly floor?: number },
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(limits.cap, limits.base * 2 ** Math.min(attempt, 30))
  return Math.max(limits.floor ?? 0, random() * ceiling)
}
