import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import { formerKeys } from './signing-keys.ts'

it('takes the former keys that it can, and says which it cannot and why', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-former-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'signing.key')
  const good = newSigningKey()
  writeFileSync(`${file}.old-1`, good, { mode: 0o600 })
  writeFileSync(`${file}.old-2`, newSigningKey(), { mode: 0o644 })
  writeFileSync(`${file}.old-3`, 'no key', { mode: 0o600 })
  symlinkSync(join(folder, 'gone'), `${file}.old-4`)
  const left: string[] = []
  const found = formerKeys(file, (path, why) => left.push(`${path.slice(file.length)} ${why}`))
  expect(found.map(({ id }) => id)).toEqual([parseSigningKey(good).id])
  expect(left.sort()).toEqual([
    '.old-2 others than its owner may use it',
    expect.stringMatching(/^\.old-3 .*32 bytes/),
    '.old-4 it cannot be read: ENOENT',
  ])
})

it('finds none in a folder that cannot be listed, and says so', () => {
  const folder = join(tmpdir(), 'sluice-no-such-folder')
  const left: string[] = []
  expect(formerKeys(join(folder, 'signing.key'), (...said) => left.push(said.join(': ')))).toEqual([])
  expect(left).toEqual([`${folder}: it cannot be read: ENOENT`])
})
