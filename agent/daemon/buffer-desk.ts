import { z } from 'zod'
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
 * A file that no agent has open, read where it lies.
 * @throws Fault as `readTables`, SqliteError
 */
export function localBuffer(file: string, data_dir: string): BufferDesk & Disposable {
  const opened = openReadOnly(file)
  return {
    ...deskOf(async (asked) => answer(opened.tables, data_dir, asked)),
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  }
}

/** An answer is of the kind of its question. */
function deskOf(send: (asked: Question) => Promise<unknown>): BufferDesk {
  return {
    ask: async <K extends Question['kind']>(asked: Question & { readonly kind: K }) =>
      (await send(asked)) as Answers[K],
  }
}
