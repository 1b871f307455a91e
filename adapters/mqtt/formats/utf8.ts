import { isUtf8 } from 'node:buffer'

/** The first byte that is not UTF-8, in a payload that is not. */
export function firstNotUtf8(payload: Uint8Array): number {
  // A prefix is valid up to a character that is cut; a cut character has at most three bytes.
  const isGood = (end: number): boolean => {
    for (let cut = 0; cut <= 3 && cut <= end; cut++) if (isUtf8(payload.subarray(0, end - cut))) return true
    return false
  }
  let low = 0
  let high = payload.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (isGood(middle)) low = middle
    else high = middle - 1
  }
  while (low > 0 && !isUtf8(payload.subarray(0, low))) low--
  return low
}
