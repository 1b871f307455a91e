import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { secret } from '../core/option.ts'
import { resolveSecrets } from './secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))
const config = join(folder, 'sluice.yaml')
const key = Buffer.alloc(32, 7).toString('base64')

function put(name: string, text: string, mode = 0o600): string {
  writeFileSync(join(folder, name), text)
  chmodSync(join(folder, name), mode)
  return name
}

const schema = z.strictObject({
  password: secret.optional().describe('d'),
  signing_key: secret.optional(),
  contract: z.strictObject({ file: z.string() }).optional(),
  list: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('a'), token: secret }),
        z.strictObject({ kind: z.literal('b') }),
      ]),
    )
    .optional(),
})
const resolve = (value: object, env = {}) => resolveSecrets(schema, value, config, env)

describe('resolveSecrets', () => {
  it.each([
    ['one newline', 'geheim\n', 'geheim'],
    ['one newline of Windows', 'geheim\r\n', 'geheim'],
    ['no more than one newline', 'geheim\n\n', 'geheim\n'],
    ['nothing within', 'a\nb', 'a\nb'],
  ])('drops %s at the end of a file', (_, text, expected) => {
    const { value, problems } = resolve({ password: { file: put('password', text, 0o644) } })
    expect(problems).toEqual([])
    expect(value).toEqual({ password: expected })
  })

  it('takes variables, absolute paths and text in place', () => {
    const list = [{ kind: 'b' }, { kind: 'a', token: { env: 'TOKEN' } }]
    const file = join(folder, put('key', `${key}\n`))
    const got = resolve({ password: 'in place', signing_key: { file }, list }, { TOKEN: 'geheim' })
    expect(got.problems).toEqual([])
    expect(got.value).toEqual({
      password: 'in place',
      signing_key: key,
      list: [{ kind: 'b' }, { kind: 'a', token: 'geheim' }],
    })
    expect(got.secrets).toEqual([['password'], ['signing_key'], ['list', 1, 'token']])
  })

  it('leaves mappings alone where no secret is expected, or that have more than the one key', () => {
    const value = { contract: { file: 'x.yaml' }, password: { file: 'x', env: 'Y' } }
    expect(resolve(value)).toMatchObject({ value, problems: [] })
  })

  it.each([0o644, 0o640, 0o604, 0o660, 0o601])('refuses a key file of mode %o', (mode) => {
    const file = put('wide', key, mode)
    const { problems, value } = resolve({ signing_key: { file } })
    expect(problems).toMatchObject([
      { path: ['signing_key', 'file'], absent: false, hint: `chmod 600 ${join(folder, file)}` },
    ])
    expect(value).toEqual({ signing_key: { file } })
  })

  it('takes a key file that only its owner may read, and a password that all may', () => {
    const value = { signing_key: { file: put('narrow', key, 0o400) }, password: { file: put('open', 'x', 0o644) } }
    expect(resolve(value).problems).toEqual([])
  })

  it('says what is wrong without the secret', () => {
    mkdirSync(join(folder, 'folder'))
    put('empty', '\n')
    put('bad.key', 'hunter22')
    const said = (origin: object, name = 'password') => resolve({ [name]: origin }, { EMPTY: '' }).problems[0]?.message
    expect(said({ env: 'ABSENT' })).toBe('the environment has no ABSENT')
    expect(said({ env: 'EMPTY' })).toBe('EMPTY is empty')
    expect(said({ file: 'absent' })).toBe(`${join(folder, 'absent')} does not exist`)
    expect(said({ file: 'folder' })).toBe(`${join(folder, 'folder')} is a folder`)
    expect(said({ file: 'empty' })).toBe(`${join(folder, 'empty')} is empty`)
    expect(said({ file: 'bad.key' }, 'signing_key')).toBe(`${join(folder, 'bad.key')} is not a key`)
  })

  it.each([
    ['a key from the environment', { env: 'KEY' }, { KEY: 'not-a-key' }, 'KEY is not a key', ['signing_key', 'env']],
    ['a path in the place of a key', 'plant.key', {}, 'what stands here is not a key', ['signing_key']],
    ['bits that no key has', `${'A'.repeat(42)}B=`, {}, 'what stands here is not a key', ['signing_key']],
  ])('refuses %s', (_, origin, env, message, path) => {
    expect(resolve({ signing_key: origin }, env).problems).toMatchObject([{ message, path, absent: false }])
  })
})
