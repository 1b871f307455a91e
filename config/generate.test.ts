import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { generatedFiles } from './generate.ts'

const files = generatedFiles()

describe('generated files', () => {
  for (const [path, text] of Object.entries(files)) {
    it(`${path} is what the schemas say (npm run docs)`, () => {
      expect(readFileSync(join(import.meta.dirname, '..', path), 'utf8')).toBe(text)
    })
  }

  it.each([
    ['sluice', 'example/sluice.yaml', 'flush: 1s', 'flush: 1'],
    ['policy', 'example/disclosure.yaml', 'profile: balanced', 'profile: loose'],
    ['profile', 'profiles/xy-md02.yaml', 'input: 0x0001', 'input: 70000'],
    ['contract', 'example/krjp-quality.contract.yaml', 'grid: 1m', 'grid: one minute'],
  ])('%s.schema.json takes the example and refuses a mistake in it', (kind, example, right, wrong) => {
    const schema = z.fromJSONSchema(JSON.parse(files[`config/${kind}.schema.json`]!))
    const text = readFileSync(join(import.meta.dirname, example), 'utf8')
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
    expect(schema.safeParse(parse(text.replace(right, wrong))).success).toBe(false)
  })

  it('shows defaults as they are written', () => {
    const buffer = JSON.parse(files['config/sluice.schema.json']!).properties.buffer.properties
    expect([buffer.flush.default, buffer.max_size.default]).toEqual(['1s', '2GB'])
    expect(files['docs/reference.md']).toContain('| `keep_raw` | duration | 1d |')
  })
})
