import { expect, it } from 'vitest'
import type { SealedStream } from '../../buffer/pool-end-port.ts'
import { missingFromReceipts, renderWithdrawn } from './withdrawal-text.ts'

it.each([
  [{ owed: 1, done: 2, ordered: 0 }, 'streams withdrawn: 2 of 3'],
  [{ owed: 0, done: 2, ordered: 2 }, 'streams withdrawn: 2 of 2, 2 of them only ordered'],
  [{ owed: 0, done: 0, ordered: 0 }, 'no stream is known'],
])('claims no more than is known of %j', (streams, says) => {
  expect(renderWithdrawn(streams)).toMatch(says)
  expect(renderWithdrawn(streams).includes('only ordered')).toBe(streams.ordered > 0)
})

const streamsOf = (...receipts: readonly SealedStream['receipt'][]) => ({
  streams: receipts.map((receipt) => ({ stream: 's', epoch: 0, contributor: 'c', datasets: [], receipt })),
})
const signed = (batches: number) => ({ kind: 'signed', batches }) as const
const file = { kind: 'file', sha256: '' } as const

it.each([
  ['fewer than were delivered', [signed(2), signed(3)], 2],
  ['more, since the answers to some were lost', [signed(9)], 0],
  ['not all of them yet', [signed(2), null], 0],
  ['orders that no pool has answered', [signed(2), file], 0],
  ['none at all', [], 0],
])('compares what was delivered with receipts that are %s', (_, receipts, missing) => {
  expect(missingFromReceipts(streamsOf(...receipts), 7)).toBe(missing)
})
