import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sluice } from '../../test/support/sluice.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const linesOf = (text: string): number => text.trimEnd().split('\n').length

describe('sluice keys new', () => {
  it('writes a plant key that its owner alone can read, and never shows it', async () => {
    const file = join(folder, 'plant.key')
    const { code, out, err } = await sluice(['keys', 'new', 'plant', file])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^[A-Za-z0-9+/]{43}=\n$/)
    expect(Buffer.from(text, 'base64').length).toBe(32)
    expect(out).toContain(file)
    expect(out).not.toContain(text.trim())
  })

  it('prints the public half of a signing key', async () => {
    const file = join(folder, 'signing.key')
    const { code, out } = await sluice(['keys', 'new', 'signing', file, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      kind: 'signing',
      file,
      public: `ed25519:${publicHalf(readFileSync(file, 'utf8'))}`,
    })
  })

  it('makes another key each time', async () => {
    const files = ['one.key', 'two.key'].map((name) => join(folder, name))
    await Promise.all(files.map((file) => sluice(['keys', 'new', 'plant', file])))
    const [one, two] = files.map((file) => readFileSync(file, 'utf8'))
    expect(one).not.toBe(two)
  })

  it('never overwrites a file', async () => {
    const file = join(folder, 'precious.key')
    writeFileSync(file, 'precious')
    const { code, out, err } = await sluice(['keys', 'new', 'plant', file])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('file-exists')
    expect(linesOf(err)).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('precious')
  })

  it.each([
    { name: 'an unknown kind of key', args: ['keys', 'new', 'master', 'FILE'], says: 'master' },
    { name: 'a folder that is not there', args: ['keys', 'new', 'plant', 'FOLDER'], says: 'cannot be written' },
    { name: 'no file', args: ['keys', 'new', 'plant'], says: 'missing required argument' },
    { name: 'an unknown option', args: ['keys', 'new', 'plant', 'FILE', '--force'], says: '--force' },
    { name: 'an unknown command', args: ['keyz'], says: 'keyz' },
  ])('ends with 2 and one line for $name', async ({ args, says }) => {
    const places: Readonly<Record<string, string>> = {
      FILE: join(folder, 'never.key'),
      FOLDER: join(folder, 'absent', 'a.key'),
    }
    const { code, out, err } = await sluice(args.map((arg) => places[arg] ?? arg))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(says)
    expect(linesOf(err.replace(/\n\(Did you mean .*/, ''))).toBe(1)
  })
})

describe('sluice', () => {
  it.each([['--help'], ['--version'], ['keys', '--help']])('answers %s %s with 0', async (...args) => {
    const { code, out, err } = await sluice(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).not.toBe('')
  })

  it('ends with 2 where no command is given', async () => {
    expect((await sluice([])).code).toBe(2)
  })
})

/** Public half of an Ed25519 seed, base64 (RFC 8410 §7: PKCS #8 with the seed in two octet strings). */
function publicHalf(seed: string): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'base64')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url').toString('base64')
}
