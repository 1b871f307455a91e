import { statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { databasePath } from '../../buffer/database.ts'
import { makeFolder } from '../../test/support/store.ts'
import { checkDataFolder } from './data-folder.ts'

it('may be written by the user whose agent made it alone, not even by root', () => {
  using folder = makeFolder()
  expect(() => checkDataFolder(folder.path)).toThrow('no agent has run')
  folder.open()[Symbol.dispose]()
  const { uid } = statSync(databasePath(folder.path))
  checkDataFolder(folder.path)
  const refusal = { code: 'store-owner', message: expect.stringContaining(`sudo -u '#${uid}' sluice`) }
  expect(() => checkDataFolder(folder.path, uid + 1)).toThrow(expect.objectContaining(refusal))
})
