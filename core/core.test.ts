import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchId } from './batch.ts'
import { rawSeq, unixMs } from './brand.ts'
import { makeClock } from './clock.ts'
import { base32hex, canonicalJson, lengthPrefixed } from './encoding.ts'
import { FAULTS, Fault } from './fault.ts'
import { byteCount, durationMs, formatDuration, name, utcDate } from './option.ts'
import { GOOD, QUALITY_CODES, qualityCode, qualityOf } from './quality.ts'
import { makeBlockBuilder, valueAt } from './reading-block.ts'
import { backoffMs } from './retry.ts'

describe('brands', () => {
  it('refuse what is not one', () => {
    expect(() => unixMs(Number.NaN)).toThrow(RangeError)
    expect(() => rawSeq(-1)).toThrow(RangeError)
    expect(() => batchId('short')).toThrow(RangeError)
  })
})

describe('encoding', () => {
  // RFC 4648 §10, without padding
  it.each([
    ['', ''],
    ['f', 'CO'],
    ['fo', 'CPNG'],
    ['foo', 'CPNMU'],
    ['foob', 'CPNMUOG'],
    ['fooba', 'CPNMUOJ1'],
    ['foobar', 'CPNMUOJ1E8'],
  ])('base32hex of %j', (text, expected) => expect(base32hex(Buffer.from(text))).toBe(expected))

  it('prefixes the length in bytes, not in characters', () =>
    expect([...lengthPrefixed('한')]).toEqual([0, 0, 0, 3, 0xed, 0x95, 0x9c]))
  it('sorts keys as RFC 8785 says', () =>
    expect(canonicalJson({ b: 1, a: [1e21, 'é'] })).toBe('{"a":[1e+21,"é"],"b":1}'))
})

describe('options', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['30d', 2_592_000_000],
    ['1', undefined],
    ['1 s', undefined],
    ['-1s', undefined],
  ])('duration %s', (text, ms) => expect(durationMs(text)).toBe(ms))
  it.each([500, 1_000, 90_000, 3_600_000, 86_400_000, 0])('writes %d ms so that it reads back', (ms) =>
    expect(durationMs(formatDuration(ms))).toBe(ms),
  )
  it.each([
    ['64KiB', 65_536],
    ['2GB', 2e9],
    ['10', undefined],
  ])('size %s', (text, bytes) => expect(byteCount(text)).toBe(bytes))
  it('names are NFC and may be Korean or Japanese', () => {
    expect(name.parse('프레스-7'.normalize('NFD'))).toBe('프레스-7'.normalize('NFC'))
    expect(name.parse('成形機_2')).toBe('成形機_2')
    expect(name.safeParse('a/b').success).toBe(false)
    expect(name.safeParse('-a').success).toBe(false)
  })
  it('dates must exist', () => expect(utcDate.safeParse('2028-02-30').success).toBe(false))
})

describe('quality', () => {
  it('has one byte for each pair, and the stored order never changes', () => {
    expect(qualityOf(GOOD)).toEqual({ quality: 'good', reason: '' })
    for (const [code, row] of QUALITY_CODES.entries()) {
      if (row.quality !== 'good') expect(qualityCode(row.quality, row.reason)).toBe(code)
    }
    expect(QUALITY_CODES.slice(0, 6).map((q) => `${q.quality} ${q.reason}`.trim())).toEqual([
      'good',
      'uncertain clock',
      'uncertain reported',
      'uncertain retained',
      'bad reported',
      'bad not_a_number',
    ])
  })
  it('reads an unknown byte as bad', () => expect(qualityOf(250).quality).toBe('bad'))
})

describe('reading block', () => {
  const value = fc.oneof(fc.double({ noNaN: true }), fc.boolean(), fc.string(), fc.bigInt(), fc.constant(null))
  it('gives back what was added', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        const builder = makeBlockBuilder(1)
        for (const [i, v] of values.entries()) builder.add(i, i, v)
        const block = builder.take(unixMs(1))
        expect(values.map((_, i) => valueAt(block, i))).toEqual(values)
        expect(builder.length).toBe(0)
      }),
    )
  })
})

describe('retry', () => {
  it('draws from the whole range up to the cap, never under the floor', () => {
    const limits = { base: 100, cap: 1_000, floor: 50 }
    expect(backoffMs(0, limits, () => 0.9)).toBe(90)
    expect(backoffMs(2, limits, () => 0.5)).toBe(200)
    expect(backoffMs(1_000, limits, () => 1)).toBe(1_000)
    expect(backoffMs(3, limits, () => 0)).toBe(50)
  })
})

describe('clock', () => {
  it('runs as many times as fast as it is told, the same in every process that shares the origin', () => {
    const origin = Date.now() - 1_000
    const fast = makeClock(60, origin)
    const real = performance.timeOrigin + performance.now()
    expect(Math.abs(fast.now() - (origin + (real - origin) * 60))).toBeLessThan(6_000)
  })
  it('stops sleeping when told, without an error', async () => {
    const stop = new AbortController()
    const sleeping = makeClock().sleep(1e12, stop.signal)
    stop.abort()
    await expect(sleeping).resolves.toBeUndefined()
  })
})

describe('fault', () => {
  it('says where, what and what to do in one line', () => {
    const fault = new Fault('source-timeout', { source: 'press-line', device: 'plc' }, 'no answer within 1s')
    expect(fault.line).toBe(
      `source press-line, device plc: no answer within 1s (source-timeout; ${FAULTS['source-timeout'].hint})`,
    )
    expect(fault.fate).toBe('retries')
  })
})
