import { readFileSync } from 'node:fs'

/** Bytes this process caused to be written to the disk so far (proc(5), /proc/pid/io); 0 where that is not known. */
export function bytesWritten(): number {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0 // containers may hide it
  }
}
