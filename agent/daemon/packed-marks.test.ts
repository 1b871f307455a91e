import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packMarks, unpackMarks } from './packed-marks.ts'

it('gives marks back as they were, in the order of each session', () => {
  const mark = fc.record({
    session: fc.constantFrom('a', 'b'),
    packet_id: fc.integer({ min: 1, max: 65_535 }),
    hash: fc.uint8Array({ maxLength: 20 }),
  })
  fc.assert(
    fc.property(fc.array(mark), (marks) => {
      const again = unpackMarks(structuredClone(packMarks(marks)))
      for (const session of ['a', 'b']) {
        const of = (list: typeof again) => list.filter((m) => m.session === session)
        expect(of(again)).toEqual(of(marks))
      }
    }),
  )
})
