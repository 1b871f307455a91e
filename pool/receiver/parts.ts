import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../core/log.ts'
import { openBatchIndex } from './batch-index.ts'
import type { ReceiverSetup } from './config.ts'
import { openLake } from './lake.ts'
import type { ReceiverParts } from './receive.ts'

/** Opens index and lake of a receiver, alone. @throws Fault `store-locked` */
export function openParts(setup: ReceiverSetup, log: Log): ReceiverParts & Disposable {
  if (!existsSync(setup.data_dir)) mkdirSync(setup.data_dir)
  const index = openBatchIndex(join(setup.data_dir, 'index.sqlite'))
  try {
    const lake = openLake(setup.data_dir, index)
    return { index, lake, receiptKey: setup.receipt_key, log, [Symbol.dispose]: () => index[Symbol.dispose]() }
  } catch (error) {
    index[Symbol.dispose]()
    throw error
  }
}
