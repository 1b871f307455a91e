import type { Store } from '../../buffer/port.ts'
import { valueAt } from '../../core/reading-block.ts'

/** How often each value of the signals of this name stands in the raw log. */
export function countValues(store: Store, name: string): ReadonlyMap<number, number> {
  const seen = new Map<number, number>()
  for (let position = 0; ; ) {
    const blocks = store.blocks(position, 100)
    if (blocks.length === 0) return seen
    for (const { block } of blocks) {
      for (let i = 0; i < block.signals.length; i++) {
        if (store.signal(block.signals[i]!).name !== name) continue
        const n = Number(valueAt(block, i))
        seen.set(n, (seen.get(n) ?? 0) + 1)
      }
    }
    position = blocks.at(-1)!.position + 1
  }
}
