import { expect, it } from 'vitest'
import { contentHash, makeMarkTable, readMarks } from './marks.ts'

const message = (packet_id: number, dup = false, text = '21.5', topic = 'hall/a') => ({
  packet_id,
  dup,
  topic,
  payload: Buffer.from(text),
})

const NOTHING = () => readMarks(async () => [])

/** The table of a connection to a session whose message under packet id 7 is stored. */
async function tableOfStored() {
  const mark = makeMarkTable(await NOTHING()).mark(message(7))!
  return makeMarkTable(await readMarks(async (after) => (after < 7 ? [mark] : [])))
}

it('recognises a redelivery by packet id and content, again and again', async () => {
  const table = await tableOfStored()
  expect(table.mark(message(7, true))).toBeUndefined()
  expect(table.mark(message(7, true))).toBeUndefined()
})

it.each([
  ['another payload', message(7, true, '21.6')],
  ['another topic', message(7, true, '21.5', 'hall/b')],
  ['another packet id', message(8, true)],
  ['no DUP', message(7)],
])('takes %s for a new message', async (_, next) => {
  const table = await tableOfStored()
  expect(table.mark(next)).toMatchObject({ packet_id: next.packet_id })
  expect(table.mark({ ...next, dup: true })).toBeUndefined()
})

it('recognises nothing of a session that the broker lost', async () => {
  const table = await tableOfStored()
  table.clear()
  expect(table.mark(message(7, true))).toBeDefined()
})

it('knows in the next connection what was committed, and takes the rest for new', async () => {
  const durable = await NOTHING()
  const before = makeMarkTable(durable)
  before.committed([before.mark(message(7))!])
  before.mark(message(7, false, '21.6'))
  before.mark(message(8))
  const after = makeMarkTable(durable)
  expect(after.mark(message(7, true))).toBeUndefined()
  expect(after.mark(message(7, true, '21.6'))).toBeDefined()
  expect(after.mark(message(8, true))).toBeDefined()
})

it('knows the newer message of a packet id whose older one is committed later', async () => {
  const table = await tableOfStored()
  const older = table.mark(message(8))!
  table.mark(message(8, false, '21.6'))
  table.committed([older])
  expect(table.mark(message(8, true, '21.6'))).toBeUndefined()
})

it.each([1, 65_535])('has a place for packet id %i', async (packet_id) => {
  const durable = await NOTHING()
  const { mark, committed } = makeMarkTable(durable)
  committed([mark(message(packet_id))!])
  const after = makeMarkTable(durable)
  expect(after.has(contentHash('hall/a', Buffer.from('21.5')))).toBe(true)
  expect(after.mark(message(packet_id, true))).toBeUndefined()
})

it('reads all that the store holds, however many at once', async () => {
  const { mark } = makeMarkTable(await NOTHING())
  const stored = [3, 4, 900, 65_535].map((packet_id) => mark(message(packet_id))!)
  const next = async (after: number) => stored.filter(({ packet_id }) => packet_id > after).slice(0, 2)
  const table = makeMarkTable(await readMarks(next))
  expect(stored.filter(({ packet_id }) => table.mark(message(packet_id, true)))).toEqual([])
})
