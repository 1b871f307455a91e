import { describe, expect, it } from 'vitest'
import { crc16, crcHolds, withCrc } from './crc.ts'
import { makeRtuFilter } from './rtu-filter.ts'

/** A request as the library makes it, under transaction id 7. */
function request(unit: number, code: number, address: number, quantity: number): Buffer {
  const frame = Buffer.from([0, 7, 0, 0, 0, 6, unit, code, 0, 0, 0, 0])
  frame.writeUInt16BE(address, 8)
  frame.writeUInt16BE(quantity, 10)
  return frame
}
const holding = (unit_id: number, quantity: number) => ({ unit_id, table: 'holding', address: 0, quantity }) as const
/** A good answer on the wire. */
const answer = (unit: number, code: number, data: readonly number[]): Buffer =>
  withCrc(Buffer.from([unit, code, data.length, ...data]))
const exception = (unit: number, code: number, why: number): Buffer => withCrc(Buffer.from([unit, code | 0x80, why]))
/** What the library must get for it. */
const tcp = (frame: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 7, 0, 0, 0, frame.length - 2]), frame.subarray(0, -2)])

/** What is late may come for ever. */
const makeFilter = () => makeRtuFilter(1, () => 0)

const two = answer(1, 3, [0x12, 0x34])

describe('crc16', () => {
  it('gives the published values', () => {
    // Modbus over Serial Line V1.02 §6.2.2 and the check value of CRC-16/MODBUS.
    expect(crc16(Buffer.from('123456789'))).toBe(0x4b37)
    expect(withCrc(Buffer.from([0x02, 0x07]))).toEqual(Buffer.from([0x02, 0x07, 0x41, 0x12]))
  })
  it('notices every single wrong bit', () => {
    for (let bit = 0; bit < two.length * 8; bit++) {
      const bad = Buffer.from(two)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      expect(crcHolds(bad)).toBe(false)
    }
    expect(crcHolds(two)).toBe(true)
  })
})

describe('outgoing', () => {
  it('sends a read as RTU', () => {
    // The example of Modbus Application Protocol V1.1b3 §6.3 with the CRC that goes behind it.
    expect(
      makeFilter()
        .outgoing(request(1, 3, 0x6b, 3))
        .frame.toString('hex'),
    ).toBe('0103006b00037417')
  })
  it.each([
    ['a write of one register', request(1, 6, 100, 1)],
    ['a write of many', Buffer.concat([request(1, 16, 100, 1), Buffer.from([2, 0, 1])])],
    ['half a request', request(1, 3, 0, 1).subarray(0, 11)],
    ['two requests', Buffer.concat([request(1, 3, 0, 1), request(1, 3, 0, 1)])],
    ['a mask write', request(1, 22, 0, 1)],
  ])('stops %s', (_, frame) => {
    expect(() => makeFilter().outgoing(frame)).toThrow(RangeError)
  })
  it('stops a second request while one is open', () => {
    const filter = makeFilter()
    filter.outgoing(request(1, 3, 0, 1))
    expect(() => filter.outgoing(request(1, 3, 0, 1))).toThrow(/one request at a time/)
  })
})

describe('incoming, to a read of one register of unit 1', () => {
  const own = withCrc(Buffer.from([1, 3, 0, 0, 0, 1]))
  const damaged = Buffer.from(two)
  damaged[4]! ^= 0x10

  it.each<[string, Buffer[], Buffer[]]>([
    ['the answer', [two], [two]],
    ['an exception', [exception(1, 3, 2)], [exception(1, 3, 2)]],
    ['the answer in single bytes', [...two].map((byte) => Buffer.from([byte])), [two]],
    ['noise before it', [Buffer.from([0, 0xff, 0x55, 1, 1, 3]), two], [two]],
    ['noise that begins like it', [two.subarray(0, 3), two], [two]],
    ['a damaged one before it', [damaged, two], [two]],
    ['the own request before it', [own, two], [two]],
    ['the own request and it in single bytes', [...own, ...two].map((byte) => Buffer.from([byte])), [two]],
    ['noise, the own request and it at once', [Buffer.concat([Buffer.from([7, 1]), own, two])], [two]],
    ['it twice', [Buffer.concat([two, two])], [two]],
    ['an answer of another unit before it', [answer(2, 3, [9, 9]), two], [two]],
    ['an answer of another length before it', [answer(1, 3, [9, 9, 9, 9]), two], [two]],
    ['an answer to another function before it', [answer(1, 4, [9, 9]), two], [two]],
    ['a damaged one alone', [damaged], []],
    ['an exception to another function', [exception(1, 4, 2)], []],
    ['a broadcast', [answer(0, 3, [9, 9])], []],
    ['the own request alone', [own], []],
  ])('%s', (_, chunks, passed) => {
    const filter = makeFilter()
    filter.outgoing(request(1, 3, 0, 1))
    expect(chunks.flatMap((chunk) => filter.incoming(chunk))).toEqual(passed.map(tcp))
  })

  it('nothing that came before it was sent', () => {
    const filter = makeFilter()
    expect(filter.incoming(two)).toEqual([])
    filter.incoming(two.subarray(0, 4))
    filter.outgoing(request(1, 3, 0, 1))
    expect(filter.incoming(two.subarray(4))).toEqual([])
    expect(filter.incoming(two)).toEqual([tcp(two)])
  })
})

describe('an echo', () => {
  // Read 17 coils from 0x0305: the request itself is a valid answer of three data bytes.
  const asked = request(1, 1, 0x0305, 17)
  const own = withCrc(asked.subarray(6))
  const real = answer(1, 1, [1, 2, 3])

  it('that looks exactly like an answer is not taken for one', () => {
    const filter = makeFilter()
    filter.outgoing(asked)
    expect(filter.incoming(own)).toEqual([])
    expect(filter.incoming(real)).toEqual([tcp(real)])
  })
  it('goes on being passed over for years', () => {
    const filter = makeFilter()
    for (let i = 0; i < 20; i++) {
      filter.outgoing(asked)
      expect(filter.incoming(Buffer.concat([own, real]))).toEqual([tcp(real)])
    }
    expect(filter.dropped).toBe(0)
  })
  it('is not seen in answers of an adapter that has none', () => {
    const filter = makeFilter()
    for (let i = 0; i < 3; i++) {
      filter.outgoing(asked)
      expect(filter.incoming(real)).toEqual([tcp(real)])
    }
    filter.outgoing(asked)
    expect(filter.incoming(own)).toEqual([tcp(own)])
  })
})

describe('a late answer', () => {
  const give = (filter: ReturnType<typeof makeFilter>, frame: Buffer): void => filter.close(filter.outgoing(frame))
  const old = answer(1, 3, [0xde, 0xad])

  it('while nothing is asked is dropped, and nothing is owed any more', () => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 1))
    expect(filter.before(holding(1, 1))).toEqual({ kind: 'wait', ms: 1 })
    expect(filter.before(holding(1, 2))).toBeUndefined()
    expect(filter.before(holding(2, 1))).toBeUndefined()
    expect(filter.before({ ...holding(1, 1), table: 'input' })).toBeUndefined()
    expect(filter.incoming(old)).toEqual([])
    expect(filter.before(holding(1, 1))).toBeUndefined()
    expect(filter.dropped).toBe(1)
  })
  it.each([
    ['another length', request(1, 3, 5, 2), answer(1, 3, [1, 2, 3, 4])],
    ['another function', request(1, 4, 5, 1), answer(1, 4, [1, 2])],
    ['another unit', request(2, 3, 5, 1), answer(2, 3, [1, 2])],
  ])('does not answer a request of %s', (_, asked, right) => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 1))
    filter.outgoing(asked)
    expect(filter.incoming(old)).toEqual([])
    expect(filter.incoming(right)).toEqual([tcp(right)])
  })
  it('of the same shape is told by a shorter read, of a length that is not owed itself', () => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 3))
    expect(filter.before(holding(1, 3))).toEqual({ kind: 'read', quantity: 1 })
    give(filter, request(1, 3, 0, 1))
    expect(filter.before(holding(1, 3))).toEqual({ kind: 'read', quantity: 2 })
    give(filter, request(1, 3, 0, 2))
    expect(filter.before(holding(1, 3))).toEqual({ kind: 'wait', ms: 1 })
    give(filter, request(1, 1, 0, 20))
    expect(filter.before({ ...holding(1, 24), table: 'coil' })).toEqual({ kind: 'read', quantity: 1 })
    expect(filter.before({ ...holding(1, 24), table: 'discrete' })).toBeUndefined()
    give(filter, request(1, 1, 0, 8))
    expect(filter.before({ ...holding(1, 24), table: 'coil' })).toEqual({ kind: 'read', quantity: 9 })
    expect(filter.before({ ...holding(1, 3), table: 'coil' })).toEqual({ kind: 'wait', ms: 1 })
  })
  it('counts as lost after its time', () => {
    let now = 0
    const filter = makeRtuFilter(100, () => now)
    const open = filter.outgoing(request(1, 3, 0, 1))
    now = 50
    filter.close(open)
    now = 90
    expect(filter.before(holding(1, 1))).toEqual({ kind: 'wait', ms: 60 })
    now = 150
    expect(filter.before(holding(1, 1))).toBeUndefined()
    filter.outgoing(request(1, 3, 0, 1))
    expect(filter.incoming(two)).toEqual([tcp(two)])
  })
  it('is not taken even for a request that should have waited', () => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 1))
    filter.outgoing(request(1, 3, 5, 1))
    expect(filter.incoming(old)).toEqual([])
    expect(filter.incoming(two)).toEqual([tcp(two)])
  })
  it('by an exception, whose length says nothing, is not taken either', () => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 9))
    filter.outgoing(request(1, 3, 5, 1))
    expect(filter.incoming(exception(1, 3, 11))).toEqual([])
    expect(filter.incoming(exception(1, 3, 2))).toEqual([tcp(exception(1, 3, 2))])
  })
  it('cannot come after a newer answer of its unit, but those of other units can', () => {
    const filter = makeFilter()
    give(filter, request(1, 3, 0, 1))
    give(filter, request(2, 3, 0, 1))
    filter.outgoing(request(1, 4, 0, 1))
    expect(filter.incoming(answer(1, 4, [0, 0]))).toHaveLength(1)
    expect(filter.before(holding(1, 1))).toBeUndefined()
    expect(filter.before(holding(2, 1))).toBeDefined()
  })
})
