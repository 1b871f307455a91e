import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { SealedBatch } from '../../core/batch.ts'
import { silentLog } from '../../core/log.ts'
import { loadSetup, type ReceiverSetup } from '../../pool/receiver/config.ts'
import { openReceiver, type Receiver } from '../../pool/receiver/server.ts'
import { PROBLEMS, type ProblemName, problemType } from '../../uplink/problem.ts'
import {
  formatBatchSignature,
  formatContentDigest,
  type SigningKey,
  sha256Of,
  signBatch,
} from '../../uplink/signature.ts'
import { deviations, OPERATIONS } from './openapi.ts'
import { POOL, writeReceiverFiles } from './sealing.ts'

/** The reference pool of `sealing.ts` on a free port, in a folder that goes when it is disposed of. */
export interface TestReceiver extends AsyncDisposable {
  readonly url: string
  readonly receipt_key: string
  readonly setup: ReceiverSetup
  /** its `data_dir` */
  readonly data: string
  report(): ReturnType<Receiver['report']>
  /** Stops it; `restart` opens it again on another port. */
  stop(): Promise<void>
  restart(): Promise<void>
}

export async function startReceiver(
  contributors: Readonly<Record<string, string>>,
  options: Parameters<typeof writeReceiverFiles>[2] = {},
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
    setup,
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

/** An answer of the receiver. */
export interface Answer {
  readonly status: number
  readonly contentType: string | null
  readonly body: string
  readonly headers: Headers
}

/** Asks, and holds the answer against the OpenAPI document. */
export async function ask(url: string, method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { method, redirect: 'manual', ...init })
  const { status, headers } = response
  const answer = { status, contentType: headers.get('content-type'), body: await response.text(), headers }
  const operation = operationOf(method, path)
  if (OPERATIONS.includes(operation)) expect(deviations(operation, answer)).toEqual([])
  return answer
}

/** `PUT /v1/pools/test-pool/batches/0A…` → `PUT /v1/pools/{pool}/batches/{batch_id}` */
export function operationOf(method: string, path: string): string {
  return `${method} ${path
    .replace(`/${POOL}/`, '/{pool}/')
    .replace(/batches\/[0-9A-V]{26}/, 'batches/{batch_id}')
    .replace(/streams\/[0-9A-V]{13}/, 'streams/{stream}')}`
}

export function put(url: string, batch: SealedBatch, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(url, 'PUT', `/v1/pools/${POOL}/batches/${batch.id}`, {
    body: Buffer.from(batch.bytes),
    headers: {
      'Content-Type': 'application/vnd.apache.parquet',
      'Content-Digest': formatContentDigest(sha256Of(batch.bytes)),
      'Batch-Signature': formatBatchSignature(batch),
      ...headers,
    },
  })
}

/** Headers of a withdrawal. */
export function withdrawal(id: string, key: SigningKey): RequestInit {
  const signature = signBatch(key, POOL, sha256Of(id), 'withdrawal')
  return { headers: { 'Batch-Signature': formatBatchSignature({ key: key.id, signature }) } }
}

export function expectProblem(answer: Answer, name: ProblemName): void {
  expect(answer).toMatchObject({ status: PROBLEMS[name].status, contentType: 'application/problem+json' })
  expect(JSON.parse(answer.body)).toMatchObject({ type: problemType(name), status: PROBLEMS[name].status })
}

/** Files below `data_dir/lake`. */
export function lakeFiles(data: string): readonly string[] {
  const lake = join(data, 'lake')
  return readdirSync(lake, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(lake, path)).isFile())
}
