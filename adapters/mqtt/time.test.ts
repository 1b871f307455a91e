import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TIME_FORMATS, type TimeFormat } from './signal-schema.ts'
import { makeTimeReader } from './time.ts'

const at = Date.UTC(2026, 10, 24, 3, 4, 5, 678)
const second = Date.UTC(2026, 10, 24, 3, 4, 5)

it.each<[TimeFormat, string | undefined, unknown, number | undefined]>([
  ['unix_ms', undefined, at, at],
  ['unix_ms', undefined, at + 0.9, at],
  ['unix_ms', undefined, String(at), at],
  ['unix_s', undefined, at / 1_000, at],
  ['unix_s', undefined, String(at / 1_000), at],
  ['unix_s', undefined, second / 1_000 - 0.0001, second - 1],
  ['unix_us', undefined, at * 1_000 + 999, at],
  ['unix_ns', undefined, at * 1e6, at],
  ['unix_ns', undefined, BigInt(at) * 1_000_000n + 5n, at],
  ['unix_ns', undefined, `${at}000000`, at],
  ['unix_s', undefined, at, undefined],
  ['unix_ms', undefined, at / 1_000, undefined],
  ['unix_ms', undefined, 0, undefined],
  ['unix_ms', undefined, Number.NaN, undefined],
  ['unix_ms', undefined, 'now', undefined],
  ['unix_ms', undefined, '', undefined],
  ['unix_ms', undefined, null, undefined],
  ['unix_ms', undefined, true, undefined],
  ['unix_ms', undefined, undefined, undefined],
  ['dotnet_ticks', undefined, 639_074_198_456_780_000n, Date.UTC(2026, 1, 23, 5, 4, 5, 678)],
  ['dotnet_ticks', undefined, '639074198456780000', Date.UTC(2026, 1, 23, 5, 4, 5, 678)],
  ['dotnet_ticks', undefined, 639_074_198_456_780_000n | (1n << 62n), Date.UTC(2026, 1, 23, 5, 4, 5, 678)],
  ['dotnet_ticks', undefined, -1, undefined],
  ['dotnet_ticks', undefined, 1.5, undefined],
  ['dotnet_ticks', undefined, at, undefined],
  ['filetime', undefined, 134_162_842_456_780_000n, Date.UTC(2026, 1, 23, 1, 37, 25, 678)],
  ['filetime', undefined, '2026', undefined],
  ['filetime', undefined, null, undefined],
  ['iso8601', 'Asia/Tokyo', '2026/11/24 12:04:05', second],
  ['iso8601', undefined, '2026-11-24T03:04:05.678Z', at],
  ['iso8601', undefined, '2026-11-24T12:04:05.678+09:00', at],
  ['iso8601', undefined, '2026-11-24T12:04:05,678999+0900', at],
  ['iso8601', undefined, '2026-11-23 22:04:05-05', second],
  ['iso8601', undefined, '20261124T030405Z', second],
  ['iso8601', undefined, '2026-11-24T03:04Z', Date.UTC(2026, 10, 24, 3, 4)],
  ['iso8601', undefined, '2026-11-24T03:04:05', undefined],
  ['iso8601', 'Asia/Seoul', '2026-11-24T12:04:05', second],
  ['iso8601', '+09:00', '2026-11-24 12:04:05.678', at],
  ['iso8601', 'Asia/Seoul', '2026-11-24T03:04:05Z', second],
  ['iso8601', 'Europe/Berlin', '2026-07-01T12:00:00', Date.UTC(2026, 6, 1, 10)],
  ['iso8601', 'Europe/Berlin', '2026-12-01T12:00:00', Date.UTC(2026, 11, 1, 11)],
  ['iso8601', 'Europe/Berlin', '2026-03-29T01:59:59', Date.UTC(2026, 2, 29, 0, 59, 59)],
  ['iso8601', 'Europe/Berlin', '2026-03-29T02:30:00', Date.UTC(2026, 2, 29, 1, 30)],
  ['iso8601', 'Europe/Berlin', '2026-03-29T03:00:00', Date.UTC(2026, 2, 29, 1)],
  ['iso8601', 'Europe/Berlin', '2026-10-25T02:30:00', Date.UTC(2026, 9, 25, 0, 30)],
  ['iso8601', 'Europe/Berlin', '2026-10-25T03:00:00', Date.UTC(2026, 9, 25, 2)],
  ['iso8601', 'UTC', '2026-04-31T12:00:00', undefined],
  ['iso8601', 'UTC', '2026-02-29T12:00:00', undefined],
  ['iso8601', 'UTC', '2026-11-24T24:00:00', undefined],
  ['iso8601', 'UTC', '2026-11-24T23:60:00', undefined],
  ['iso8601', 'UTC', '24.11.2026 12:00', undefined],
  ['iso8601', undefined, '2026-11-24T17:04:05+14:00', second],
  ['iso8601', undefined, '2026-11-24T08:49:05+05:45', second],
  ['iso8601', undefined, '2026-11-24T17:05:05+14:01', undefined],
  ['iso8601', undefined, '2026-11-24T18:04:05+15:00', undefined],
  ['iso8601', undefined, '2026-11-24T18:04:05-99', undefined],
  ['iso8601', undefined, '2026-11-24T03:04:05+09:60', undefined],
  ['iso8601', undefined, '2026-11-24T03:04:05-0099', undefined],
  ['iso8601', 'UTC', at, undefined],
])('%s in zone %s reads %s', (format, zone, raw, expected) => {
  expect(makeTimeReader(format, zone)(raw)).toBe(expected)
})

it('reads back every local time of a zone without changes of clocks', () => {
  const read = makeTimeReader('iso8601', 'Asia/Tokyo')
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1990, 0, 2), max: Date.UTC(2199, 0) }), (ms) => {
      expect(read(new Date(ms + 9 * 3_600_000).toISOString().slice(0, -1))).toBe(ms)
    }),
  )
})

it('gives a time in range or nothing, for anything JSON can say', () => {
  const readers = TIME_FORMATS.map((format) => makeTimeReader(format, format === 'iso8601' ? 'Asia/Seoul' : undefined))
  fc.assert(
    fc.property(fc.jsonValue(), (raw) => {
      for (const read of readers) {
        const ms = read(raw)
        expect(ms === undefined || Number.isInteger(ms)).toBe(true)
      }
    }),
  )
})
