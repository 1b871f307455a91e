import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { z } from 'zod'
import { faultOf } from '../../buffer/database.ts'
import { type Answers, answer, type Question } from '../../buffer/look.ts'
import { openReadOnly } from '../../buffer/read-status.ts'
import { Fault } from '../../core/fault.ts'

/** Answers what `sluice buffer` asks: a running agent, or a file that none has open. */
export interface BufferDesk {
  ask<K extends Question['kind']>(question: Question & { readonly kind: K }): Promise<Answers[K]>
}

const whole = z.int().min(0)
/** Pieces are small, so that no commit waits for one. */
const limit = z.int().min(1).max(256)
const question = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('status'), now: z.number() }),
  z.strictObject({ kind: z.literal('signals') }),
  z.strictObject({ kind: z.literal('survey'), position: whole, limit }),
  z.strictObject({ kind: z.literal('batches'), after: whole, limit }),
  z.strictObject({ kind: z.literal('read'), position: whole, limit }),
  z.strictObject({ kind: z.literal('recent'), span: z.number().positive(), most: whole }),
  z.strictObject({ kind: z.literal('blocks'), position: whole, limit }),
  z.strictObject({ kind: z.literal('log') }),
  z.strictObject({ kind: z.literal('leaves'), from: whole, limit }),
  z.strictObject({ kind: z.literal('checkpoints'), size: whole, limit }),
])

/** @throws Fault `usage` for a question that there is not */
export function parseQuestion(text: string): Question {
  const parsed = question.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Fault('usage', {}, 'the buffer does not know this question')
  return parsed.data
}

/** @param send asks the running agent */
export function remoteBuffer(send: (argument: string) => Promise<unknown>): BufferDesk {
  return deskOf((asked) => send(JSON.stringify(asked)))
}

/**
 * A file is held for so long (ms) and then let go for so long: an agent that starts must find it free within the second for which
 * it asks, which it does at least every 100 ms.
 */
const HELD = 400
const LET_GO = 150

/**
 * A file that no agent has open, read where it lies, but given way to an agent that starts.
 * @param held ms for which the file is kept open
 * @throws Fault as `readTables`, SqliteError; a question `store-locked` where an agent was started since the last one
 */
export function localBuffer(file: string, data_dir: string, held = HELD): BufferDesk & Disposable {
  let opened: ReturnType<typeof openReadOnly> | undefined
  let since = 0
  let idle: NodeJS.Timeout | undefined

  function letGo(): void {
    clearTimeout(idle)
    opened?.[Symbol.dispose]()
    opened = undefined
  }

  function open(): ReturnType<typeof openReadOnly> {
    opened = openReadOnly(file)
    since = performance.now()
    idle = setTimeout(letGo, held).unref() // whoever asks may wait for others
    return opened
  }

  async function openAgain(): Promise<ReturnType<typeof openReadOnly>> {
    await setTimeoutPromise(LET_GO)
    try {
      return open()
    } catch (error) {
      if (faultOf(error, file)?.code !== 'store-locked') throw error
      throw new Fault('store-locked', { file }, 'an agent was started meanwhile: run this again, and it is asked')
    }
  }

  open()
  return {
    ...deskOf(async (asked) => {
      const { tables } = opened ?? (await openAgain())
      const found = answer(tables, data_dir, asked)
      if (performance.now() - since >= held) letGo()
      return found
    }),
    [Symbol.dispose]: letGo,
  }
}

/** An answer is of the kind of its question. */
function deskOf(send: (asked: Question) => Promise<unknown>): BufferDesk {
  return {
    ask: async <K extends Question['kind']>(asked: Question & { readonly kind: K }) =>
      (await send(asked)) as Answers[K],
  }
}
