import { vi } from 'vitest'

/** Asks again until the assertion holds, for as long as a machine that is busy with other things may take. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: 30_000, interval: 10 })
}
