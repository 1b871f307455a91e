import { expect, it } from 'vitest'
import { makeMarkTable } from './marks.ts'

const message = (packet_id: number, dup = false, text = '21.5', topic = 'hall/a') => ({
  packet_id,
  dup,
  topic,
  payload: Buffer.from(text),
})

it('recognises a redelivery by packet id and content, again and again', () => {
  const table = makeMarkTable([makeMarkTable([]).mark(message(7))!])
  expect(table.mark(message(7, true))).toBeUndefined()
  expect(table.mark(message(7, true))).toBeUndefined()
})

it.each([
  ['another payload', message(7, true, '21.6')],
  ['another topic', message(7, true, '21.5', 'hall/b')],
  ['another packet id', message(8, true)],
  ['no DUP', message(7)],
])('takes %s for a new message', (_, next) => {
  const table = makeMarkTable([makeMarkTable([]).mark(message(7))!])
  expect(table.mark(next)).toMatchObject({ packet_id: next.packet_id })
  expect(table.mark({ ...next, dup: true })).toBeUndefined()
})

it('recognises nothing of a session that the broker lost', () => {
  const table = makeMarkTable([makeMarkTable([]).mark(message(7))!])
  table.clear()
  expect(table.mark(message(7, true))).toBeDefined()
})
