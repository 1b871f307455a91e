import { readFileSync } from 'node:fs'

/** Id of the machine's boot (random(4)), or undefined where the kernel does not say. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return undefined // another system than Linux, or /proc is hidden
  }
}
