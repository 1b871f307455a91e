import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { silentLog } from '../../core/log.ts'
import { furthestAhead, makeAheadAlarm } from './ahead.ts'

const HOUR = 3_600_000
const NOW = unixMs(Date.UTC(2026, 5, 1, 12))
const datasets = [
  { name: 'hourly', cadence: HOUR },
  { name: 'minutes', cadence: 60_000 },
]

describe('slots that are sealed ahead of their time', () => {
  it.each([
    [{}, undefined],
    [{ hourly: HOUR, minutes: 60_000 }, undefined],
    [{ hourly: 0, minutes: 60_001 }, 'minutes'],
    [{ hourly: HOUR + 1, minutes: 60_001 }, 'hourly'],
    [{ gone: 9 * HOUR }, undefined],
  ])('%j: %s', (ahead, dataset) => {
    const sealed = Object.fromEntries(Object.entries(ahead).map(([name, by]) => [name, unixMs(NOW + by)]))
    expect(furthestAhead(datasets, sealed, NOW)?.dataset).toBe(dataset)
  })

  it('are an alarm, once, which ends when their time has come, and also where the last run left it', () => {
    const said: string[] = []
    const tell = makeAheadAlarm(
      {
        raiseAlarm: ({ key, code, message }) => void said.push(`${key} ${code} ${message}`),
        clearAlarm: (key) => void said.push(`${key} over`),
      },
      silentLog,
    )
    const ahead = { dataset: 'hourly', until: NOW + 720 * HOUR }
    for (const [pool, what] of [
      ['lake', ahead],
      ['lake', ahead],
      ['pond', undefined],
      ['lake', undefined],
      ['lake', undefined],
    ] as const)
      tell(pool, what, NOW)
    expect(said).toEqual([
      expect.stringMatching(/^ahead:lake sealed-ahead hourly is sealed up to 2026-07-01T12:00:00.000Z/),
      'ahead:pond over',
      'ahead:lake over',
    ])
  })
})
