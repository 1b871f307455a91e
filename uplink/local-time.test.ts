import { describe, expect, it } from 'vitest'
import { type UnixMs, unixMs } from '../core/brand.ts'
import { isWithin, makeLocalTime, nextMinute, parseWindow } from './local-time.ts'

const at = (text: string): UnixMs => unixMs(Date.parse(text))
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16)

describe('a window', () => {
  it.each([
    ['22:00-06:00', { from: 1_320, until: 360 }],
    ['09:30-17:00', { from: 570, until: 1_020 }],
    ['18:00-24:00', { from: 1_080, until: 1_440 }],
    ['00:00-24:00', { from: 0, until: 1_440 }],
    ['06:00-06:00', undefined],
    ['6:00-7:00', undefined],
    ['22:00–06:00', undefined],
    ['24:00-06:00', undefined],
    ['22:60-06:00', undefined],
  ])('%s', (text, window) => expect(parseWindow(text)).toEqual(window))

  it('goes over midnight', () => {
    const night = parseWindow('22:00-06:00')!
    expect([1_319, 1_320, 1_439, 0, 359, 360].map((m) => isWithin(night, m))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ])
  })
})

describe('wall clocks', () => {
  it.each([
    ['Asia/Seoul', '2026-06-01T15:00Z', '2026-06-02', 0],
    ['Asia/Seoul', '2026-06-01T14:59Z', '2026-06-01', 1_439],
    ['Europe/Berlin', '2026-03-29T01:00Z', '2026-03-29', 180], // 02:00 to 03:00 does not exist
    ['Europe/Berlin', '2026-03-29T00:59Z', '2026-03-29', 119],
    ['Europe/Berlin', '2026-10-25T00:30Z', '2026-10-25', 150], // 02:30 for the first time
    ['Europe/Berlin', '2026-10-25T01:30Z', '2026-10-25', 150], // and for the second
    ['Asia/Kathmandu', '2026-06-01T00:00Z', '2026-06-01', 345],
  ])('%s at %s show %s and minute %i', (zone, when, day, minute) => {
    const local = makeLocalTime(zone)
    expect([local.day(at(when)), local.minute(at(when))]).toEqual([day, minute])
  })
})

describe('the next opening', () => {
  it.each([
    // zone, window, now, opens
    ['Asia/Seoul', '22:00-06:00', '2026-06-01T00:00Z', '2026-06-01T13:00'],
    ['Europe/Berlin', '22:00-06:00', '2026-03-28T12:00Z', '2026-03-28T21:00'],
    ['Europe/Berlin', '22:00-06:00', '2026-03-29T12:00Z', '2026-03-29T20:00'], // an hour earlier by UTC since that night
    ['Europe/Berlin', '02:15-03:15', '2026-03-28T12:00Z', '2026-03-29T01:00'], // what is left of it: 03:00 to 03:15
    ['Europe/Berlin', '02:00-03:00', '2026-03-28T12:00Z', '2026-03-30T00:00'], // skipped that night
    ['Europe/Berlin', '02:00-02:30', '2026-10-25T00:29:59Z', '2026-10-25T01:00'], // open twice that night
  ])('in %s of %s after %s is %s', (zone, text, now, opens) => {
    const local = makeLocalTime(zone)
    const window = parseWindow(text)!
    const isClosedFirst = nextMinute(at(now), (t) => !isWithin(window, local.minute(t)))
    expect(iso(nextMinute(isClosedFirst, (t) => isWithin(window, local.minute(t))))).toBe(opens)
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00Z', '2026-03-29T22:00'],
    ['America/Sao_Paulo', '2018-11-03T20:00Z', '2018-11-04T03:00'], // midnight does not exist there on that day
  ])('day in %s after %s begins at %s', (zone, now, begins) => {
    const local = makeLocalTime(zone)
    expect(iso(nextMinute(at(now), (t) => local.day(t) !== local.day(at(now))))).toBe(begins)
  })
})
