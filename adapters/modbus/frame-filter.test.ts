import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeFrameFilter } from './frame-filter.ts'

const request = (tid: number, unit: number, code: number, address: number, quantity: number): Buffer => {
  const f = Buffer.alloc(12)
  f.writeUInt16BE(tid, 0)
  f.writeUInt16BE(6, 4)
  f[6] = unit
  f[7] = code
  f.writeUInt16BE(address, 8)
  f.writeUInt16BE(quantity, 10)
  return f
}
const response = (tid: number, unit: number, code: number, data: readonly number[], count = data.length): Buffer =>
  Buffer.from([tid >> 8, tid & 255, 0, 0, 0, 3 + data.length, unit, code, count, ...data])

describe('outgoing', () => {
  it.each([1, 2, 3, 4])('passes function code %i under an id of its own', (code) => {
    const sent = makeFrameFilter(1000).outgoing(request(7, 9, code, 100, 2))
    expect(sent.frame).toEqual(request(1000, 9, code, 100, 2))
    expect(sent.library_id).toBe(7)
  })
  it('passes no other function code', () => {
    for (let code = 0; code < 256; code++) {
      if (code >= 1 && code <= 4) continue
      expect(() => makeFrameFilter().outgoing(request(1, 1, code, 0, 1))).toThrow(RangeError)
    }
  })
  it('passes nothing but whole requests', () => {
    const two = Buffer.concat([request(1, 1, 3, 0, 1), request(1, 1, 6, 0, 1)])
    for (const bytes of [two, request(1, 1, 3, 0, 1).subarray(0, 11), Buffer.alloc(0)])
      expect(() => makeFrameFilter().outgoing(bytes)).toThrow(RangeError)
  })
})

describe('incoming', () => {
  it.each<[string, Buffer]>([
    ['another transaction', response(2, 9, 3, [1, 2, 3, 4])],
    ['another unit', response(1, 8, 3, [1, 2, 3, 4])],
    ['another function code', response(1, 9, 4, [1, 2, 3, 4])],
    ['too few data', response(1, 9, 3, [1, 2])],
    ['too many data', response(1, 9, 3, [1, 2, 3, 4, 5, 6])],
    ['a byte count that lies', response(1, 9, 3, [1, 2, 3, 4], 6)],
    ['an exception of another function', response(1, 9, 0x84, [], 2)],
    ['an exception that is too long', response(1, 9, 0x83, [0], 2)],
    ['a frame without a function', Buffer.from([0, 1, 0, 0, 0, 2, 9, 3])],
    ['another unit, transaction and length', response(2, 8, 3, [1, 2])],
  ])('drops %s and still takes the answer', (what, frame) => {
    const filter = makeFrameFilter()
    const sent = filter.outgoing(request(77, 9, 3, 100, 2))
    expect(filter.incoming(frame)).toEqual([])
    expect(filter.dropped).toBe(1)
    // Only what is wrong in nothing else is said to be from another unit.
    expect(sent.answered_by).toBe(what === 'another unit' ? 8 : undefined)
    expect(filter.incoming(response(1, 9, 3, [1, 2, 3, 4]))).toEqual([response(77, 9, 3, [1, 2, 3, 4])])
  })

  it('passes an exception', () => {
    const filter = makeFrameFilter()
    filter.outgoing(request(77, 9, 1, 0, 9))
    expect(filter.incoming(response(1, 9, 0x81, [], 2))).toEqual([response(77, 9, 0x81, [], 2)])
  })
  it('passes an answer once', () => {
    const filter = makeFrameFilter()
    filter.outgoing(request(77, 9, 1, 0, 9))
    const twice = Buffer.concat([response(1, 9, 1, [255, 1]), response(1, 9, 1, [0, 0])])
    expect(filter.incoming(twice)).toEqual([response(77, 9, 1, [255, 1])])
    expect(filter.dropped).toBe(1)
  })
  it('drops an answer that nobody waits for any more, even when the library uses its id again', () => {
    const filter = makeFrameFilter()
    filter.close(filter.outgoing(request(77, 9, 3, 0, 1)))
    filter.outgoing(request(78, 9, 3, 0, 1)) // never closed
    filter.outgoing(request(77, 9, 3, 0, 1))
    filter.outgoing(request(78, 9, 3, 0, 1))
    for (const late of [1, 2]) expect(filter.incoming(response(late, 9, 3, [0xde, 0xad]))).toEqual([])
    expect(filter.incoming(response(3, 9, 3, [0, 7]))).toEqual([response(77, 9, 3, [0, 7])])
    expect(filter.incoming(response(4, 9, 3, [0, 8]))).toEqual([response(78, 9, 3, [0, 8])])
  })
  it.each([
    ['a protocol that is not Modbus', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
    ['a length of 60000', Buffer.from([0, 1, 0, 0, 0xea, 0x60])],
    ['a length of 1', Buffer.from([0, 1, 0, 0, 0, 1])],
  ])('refuses %s', (_, bytes) => {
    expect(() => makeFrameFilter().incoming(bytes)).toThrow(RangeError)
  })

  it('gives every answer to its own request, however the stream is cut', () => {
    const shape = fc.record({
      count: fc.integer({ min: 1, max: 4 }),
      cuts: fc.array(fc.nat(80)),
      noise: fc.array(fc.nat(3)),
    })
    fc.assert(
      fc.property(shape, fc.integer({ min: 0, max: 65_535 }), ({ count, cuts, noise }, firstId) => {
        const filter = makeFrameFilter(firstId)
        const ids = Array.from({ length: count }, (_, i) => filter.outgoing(request(i, 1, 3, i, 2)).id)
        const stream = Buffer.concat(
          ids.flatMap((id, i) => [
            ...noise.map((n) => response((id + 100 + n) & 0xffff, 1, 3, [9, 9, 9, 9])),
            response(id, 1, 3, [0, i, 0, i]),
          ]),
        )
        const edges = [0, ...cuts.map((c) => Math.min(c, stream.length)).toSorted((a, b) => a - b), stream.length]
        const passed = edges.slice(1).flatMap((end, i) => filter.incoming(stream.subarray(edges[i], end)))
        expect(passed).toEqual(ids.map((_, i) => response(i, 1, 3, [0, i, 0, i])))
        expect(filter.dropped).toBe(count * noise.length)
      }),
    )
  })

  it('never passes what no request asked for, and never crashes, on random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
        const filter = makeFrameFilter(0x4242)
        filter.outgoing(request(1, 17, 3, 0, 20))
        try {
          for (const chunk of chunks) expect(filter.incoming(chunk)).toEqual([])
        } catch (e) {
          expect(e).toBeInstanceOf(RangeError)
        }
      }),
    )
  })
})
