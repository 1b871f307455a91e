import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sluice } from '../../test/support/sluice.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-preview-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = (name: string): string => join(folder, name)

/** The example without its secrets, and without an agent that ever ran. */
cpSync(join(import.meta.dirname, '../../config/example'), folder, { recursive: true })
writeFileSync(path('sluice.yaml'), readFileSync(path('sluice.yaml'), 'utf8').replace('/var/lib/sluice', 'data'))

const preview = (...args: readonly string[]) => sluice(['preview', ...args, '-c', path('sluice.yaml')])

describe('sluice preview', () => {
  it('shows the policy where there are no readings yet, and says why there are none', async () => {
    const { out } = await preview()
    expect(out).toMatch(/^pool krjp-quality: gate open\nleaves the plant\n/)
    expect(out).toMatch(/at most 125 cells and \d+ bits an hour/)
    expect(out).toContain(`There are no readings to show yet: no agent has run with ${path('data')}`)
    expect(JSON.parse((await preview('--json')).out)).toMatchObject([{ gate: 'open', recent: null }])
  })

  it('writes a page for its owner alone, again and again, and over no other file', async () => {
    const page = path('page.html')
    for (let i = 0; i < 2; i++) expect((await preview('--html', page)).err).toBe('')
    expect(statSync(page).mode & 0o777).toBe(0o600)
    expect(readFileSync(page, 'utf8')).toContain('There are no readings to show')
    const other = await preview('--html', path('disclosure.yaml'))
    expect(other.code).toBe(2)
    expect(other.err).toContain('exists already, and is no earlier preview')
    expect(readFileSync(path('disclosure.yaml'), 'utf8')).toContain('version: 1')
  })

  it('previews a draft, and shuts the gate of one with a problem', async () => {
    const text = readFileSync(path('disclosure.yaml'), 'utf8')
    writeFileSync(path('draft.yaml'), text.replaceAll('step: 1.2', 'step: 2.4'))
    expect((await preview('--policy', path('draft.yaml'))).out).toContain('in steps of 2.4')
    writeFileSync(path('bad.yaml'), text.replaceAll('step: 1.2', 'step: 0.6'))
    const bad = await preview('--policy', path('bad.yaml'))
    expect(bad.code).toBe(2)
    expect(bad.out).toMatch(/gate shut, nothing leaves: .*bad\.yaml:\d+:\d+: the step is finer than balanced allows/)
  })
})
