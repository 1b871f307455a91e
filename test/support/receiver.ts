import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../core/log.ts'
import { loadSetup } from '../../pool/receiver/config.ts'
import { openReceiver, type Receiver } from '../../pool/receiver/server.ts'
import { writeReceiverFiles } from './sealing.ts'

/** The reference pool of `sealing.ts` on a free port, in a folder that goes when it is disposed of. */
export interface TestReceiver extends AsyncDisposable {
  readonly url: string
  readonly receipt_key: string
  /** its `data_dir` */
  readonly data: string
  report(): ReturnType<Receiver['report']>
  /** Stops it; `restart` opens it again on another port. */
  stop(): Promise<void>
  restart(): Promise<void>
}

export async function startReceiver(
  contributors: Readonly<Record<string, string>>,
  options: { readonly state?: 'closed' } = {},
): Promise<TestReceiver> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pool-'))
  const { config, receipt_key } = writeReceiverFiles(folder, contributors, options)
  const setup = loadSetup(config)
  let receiver: Receiver | undefined = await openReceiver(setup, silentLog)
  async function stop(): Promise<void> {
    await receiver?.[Symbol.asyncDispose]()
    receiver = undefined
  }
  return {
    get url() {
      return receiver!.url
    },
    receipt_key,
    data: setup.data_dir,
    report: () => receiver!.report(),
    stop,
    async restart() {
      await stop()
      receiver = await openReceiver(setup, silentLog)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(folder, { recursive: true })
    },
  }
}
