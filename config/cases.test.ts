import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from './load.ts'
import { renderProblems } from './problem.ts'

/**
 * Each folder of `cases/` is one kind of mistake: its files, and in `expected.txt` all that `sluice check` says to it.
 * Key files get the mode that their name says: `wide.key` 0644, others 0600.
 */
const cases = join(import.meta.dirname, 'cases')
const folder = mkdtempSync(join(tmpdir(), 'sluice-cases-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('every mistake is told with its place and what to write instead', () => {
  for (const name of readdirSync(cases)) {
    it(name, async () => {
      const copy = join(folder, name)
      cpSync(join(cases, name), copy, { recursive: true })
      for (const file of readdirSync(copy)) {
        if (file.endsWith('.key')) chmodSync(join(copy, file), file === 'wide.key' ? 0o644 : 0o600)
      }
      const { problems, warnings } = loadConfig(join(copy, 'sluice.yaml'), { env: {}, now: Date.UTC(2026, 10, 24) })
      const all = [renderProblems(warnings, 'warning: '), renderProblems(problems)].filter((text) => text !== '')
      const said = `${all.join('\n\n').replaceAll(`${copy}/`, '').replaceAll(copy, '.')}\n`
      expect(said).not.toContain('hunter22')
      await expect(said).toMatchFileSnapshot(join(cases, name, 'expected.txt'))
    })
  }
})
