import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { commitOf, makeFolder, numbered, publicationTo, signalSpec, T0 } from '../../test/support/store.ts'
import type { AgentStatus } from '../daemon/status.ts'
import { isWell, renderStatus } from './status.ts'

/** The status of a running agent whose folder is empty. */
function statusWith(parts: Partial<AgentStatus>): AgentStatus {
  using folder = makeFolder()
  using store = folder.open()
  return {
    version: 'test',
    gateway: 'hall-2',
    running: true,
    now: T0,
    uptime_s: 60,
    rss_mb: 100,
    readings_per_s: 1,
    waiting: 0,
    trouble: null,
    written_gb_per_day: 0,
    forecast: { kind: 'unknown' },
    sources: {},
    gates: {},
    delivery: {},
    store: store.status(T0),
    ledger_ok: true,
    ...parts,
  }
}

const TROUBLE = {
  code: 'store-full',
  message: 'there is no room left',
  hint: 'free space',
  since: unixMs(T0 - 5_000),
} as const

describe('a status', () => {
  it('is well where nothing is wrong', () => {
    expect(isWell(statusWith({}))).toBe(true)
    expect(renderStatus(statusWith({}))).not.toContain('ALARMS')
  })

  it.each<readonly [string, Partial<AgentStatus>]>([
    ['commits fail', { trouble: TROUBLE }],
    ['an account does not add up', { ledger_ok: false }],
    ['no agent runs', { running: false }],
  ])('is not well where %s', (_, parts) => {
    expect(isWell(statusWith(parts))).toBe(false)
  })

  it.each([
    [31, ''],
    [30, 'in 30 days'],
    [0, 'in 0 days'],
  ])('warns of a policy that expires in %i days', (days, warning) => {
    using folder = makeFolder()
    using store = folder.open()
    store.openPool('p')
    const gates = { p: { state: 'open', fault: null, expires: T0 + days * 86_400_000 } } as const
    const shown = renderStatus(statusWith({ gates, store: store.status(T0) }))
    expect(shown).toContain('gate      open')
    expect(shown.includes('THE POLICY EXPIRES')).toBe(warning !== '')
    expect(shown).toContain(warning)
  })

  it('shows how far a pool that was left has withdrawn what it got', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.openPool('p')
    store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + 60_000 }))
    store.withdrawPool('p', T0)
    expect(renderStatus(statusWith({ store: store.status(T0) }))).toMatch(/left .*streams withdrawn: 0 of 1/)
    store.noteWithdrawn('p', 'stream', { kind: 'file', sha256: '' }, T0)
    expect(renderStatus(statusWith({ store: store.status(T0) }))).toContain(
      'streams withdrawn: 1 of 1, 1 of them only ordered',
    )
  })

  it('shows pools that are not configured any more, with what they hold', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.openPool('old')
    store.append(commitOf(numbered(0, 4)))
    store.retirePools([])
    store.append(commitOf(numbered(4, 4), { after: 1_000 }))
    expect(renderStatus(statusWith({ store: store.status(T0) }))).toMatch(
      /pool old\n {2}retired {3}not in the configuration, or closed by the pool: .*\n {2}readings {2}4 accepted = 4 pending \+/,
    )
  })

  it.each<readonly [AgentStatus['forecast'], string]>([
    [{ kind: 'fills', hours: 7.25 }, ', full in 7.3 h at today’s rate'],
    [{ kind: 'fills', hours: 100 }, ', full in 4 days at today’s rate'],
    [{ kind: 'fills', hours: 0 }, ', FULL'],
    [{ kind: 'never' }, ', never full at today’s rate'],
    [{ kind: 'unknown' }, ' GB a day written'],
  ])('ends the line of the disk with when it is full: %o', (forecast, words) => {
    const line = renderStatus(statusWith({ forecast }))
      .split('\n')
      .find((text) => text.includes('outbox'))!
    expect(line.endsWith(words)).toBe(true)
  })

  it('shows under ALARMS why commits fail, since when, and what to do', () => {
    expect(renderStatus(statusWith({ trouble: TROUBLE }))).toMatch(
      /ALARMS\n {2}commits +store-full +there is no room left +since 2026-06-01T11:59:55Z: free space$/,
    )
  })
})
