import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../config/width.ts'
import { type DemoView, paint, plainLine, renderView } from './view.ts'

const VIEW: DemoView = {
  elapsed_s: 12.7,
  speed: 300,
  plant_time: Date.UTC(2026, 0, 5, 9, 40),
  sources: [
    { name: 'press-line', kind: 'modbus', state: 'up', readings_per_s: 1200.4 },
    { name: 'hall-and-line', kind: 'mqtt', state: 'down', readings_per_s: 0 },
  ],
  accounts: {
    accepted: 12_345,
    pending: 345,
    disclosed: 10_000,
    withheld: { unlisted: 1990, late: 10, bad: 0 },
    evicted: {},
  },
  batches: { sealed: 12, queued: 1, delivered: 11, quarantined: 0, dropped: 0 },
  pool_rows: 340,
  last_rows: [
    {
      dataset: 'press-table',
      columns: ['slot', 'asset', 'oil_temperature_mean', '습도'],
      rows: [
        ['09:10', '3QK1V2M9E0RTA4B5', 54.599998474, 52],
        ['09:20', 'ABCDEFGH', null, 53],
      ],
    },
  ],
  outages: ['hall-and-line: source-refused since 09:38'],
  alarms: ['프레스 7 경보 '.repeat(20)],
}
const PLAIN = { width: 100, height: 40, colour: false }

describe('the live view', () => {
  it('shows where every reading is, and the last rows with the newest at the right', () => {
    expect(renderView(VIEW, { ...PLAIN, width: 80 })).toEqual([
      'Sluice demo  12 s  plant time 2026-01-05 09:40 UTC (300×)  Ctrl-C ends it',
      '',
      'plant       press-line (modbus) up  1,200 readings/s',
      '            hall-and-line (mqtt) down  0 readings/s',
      'raw log     accepted        12,345',
      '            pending            345',
      '            disclosed       10,000',
      '            withheld         2,000  unlisted 1,990, late 10',
      '            evicted              0',
      'outbox      sealed 12 = queued 1 + delivered 11 + quarantined 0 + dropped 0',
      'pool        rows 340',
      'outage      hall-and-line: source-refused since 09:38',
      'alarm       프레스 7 경보 프레스 7 경보 프레스 7 경보 프레스 7 경보 프레스 7 경…',
      '',
      'press-table',
      'slot                  09:10       09:20       ',
      'asset                 3QK1V2M9E…  ABCDEFGH    ',
      'oil_temperature_mean  54.6        –           ',
      '습도                  52          53          ',
    ])
  })

  it.each([20, 40, 79, 80, 132])('fits %i columns, with colours and without', (width) => {
    for (const colour of [false, true])
      for (const line of renderView(VIEW, { width, height: 40, colour }))
        expect(displayWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(width)
  })

  it('leaves the last line of the screen free, so that it never scrolls', () => {
    expect(renderView(VIEW, { ...PLAIN, height: 6 })).toHaveLength(5)
  })

  it('drops the oldest rows where there is no room', () => {
    const lines = renderView(VIEW, { ...PLAIN, width: 40 })
    expect(lines.find((line) => line.startsWith('slot'))).toContain('09:20')
    expect(lines.find((line) => line.startsWith('slot'))).not.toContain('09:10')
  })

  it('says the same with colours as without', () => {
    const coloured = renderView(VIEW, { ...PLAIN, colour: true })
    expect(coloured.join('')).toContain('\x1b[')
    expect(coloured.map(stripVTControlCharacters)).toEqual(renderView(VIEW, PLAIN))
  })

  it('redraws in place', () => {
    expect(paint(['a', 'b'])).toBe('\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J')
  })
})

describe('the plain line', () => {
  it('says it in one line without control characters', () => {
    expect(plainLine(VIEW)).toBe(
      '12 s  1,200 readings/s  accepted 12345  pending 345  disclosed 10000  withheld 2000  evicted 0  sealed 12  delivered 11  pool rows 340  outages 1  alarms 1',
    )
  })
})
