import { expect, it } from 'vitest'
import { databasePath } from '../../buffer/database.ts'
import { makeFolder, signalSpec } from '../../test/support/store.ts'
import { localBuffer } from './buffer-desk.ts'

it('gives way to an agent that starts while a file is looked at', async () => {
  using folder = makeFolder()
  {
    using store = folder.open()
    store.intern([signalSpec('a')])
  }
  using desk = localBuffer(databasePath(folder.path), folder.path, 0)
  expect(await desk.ask({ kind: 'signals' })).toHaveLength(1)
  expect(await desk.ask({ kind: 'signals' })).toHaveLength(1)
  using store = folder.open()
  await expect(desk.ask({ kind: 'signals' })).rejects.toThrow('an agent was started meanwhile')
  expect(store.intern([signalSpec('a')])).toEqual([0])
})
