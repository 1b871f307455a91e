import { describe, expect, it } from 'vitest'
import { makeFolder, publicationTo, T0 } from '../../test/support/store.ts'
import { askAgent, serveControl, socketPath } from './control.ts'
import { answerDesk, makeOutboxDesk, type OutboxDesk, remoteDesk, sealedBatchOf } from './outbox-desk.ts'

/** One suite for both ways to the desk. */
const WAYS: Readonly<Record<string, (desk: OutboxDesk, folder: string) => Promise<OutboxDesk & AsyncDisposable>>> = {
  direct: async (desk) => ({ ...desk, [Symbol.asyncDispose]: async () => undefined }),
  async 'over the socket'(desk, folder) {
    const socket = socketPath(folder)
    const served = await serveControl(socket, { outbox: answerDesk(desk) })
    return {
      ...remoteDesk((argument) => askAgent(socket, 'outbox', argument)),
      [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
    }
  },
}

describe.each(Object.entries(WAYS))('a desk for the outbox, %s', (_, way) => {
  it('lists, shows, queues again and gives up', async () => {
    using folder = makeFolder()
    using store = folder.open()
    store.openPool('p')
    for (const i of [1, 2, 3]) store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + i * 60_000 }))
    const [third, second, first] = store.outbox({})
    const batch = store.nextBatch('p')!
    store.settle('p', first!.id, { kind: 'quarantined', code: 'pool-rejected', message: 'unit', at: T0 })
    let retried = 0
    await using desk = await way(
      makeOutboxDesk(
        store,
        () => T0,
        () => retried++,
      ),
      folder.path,
    )

    expect(await desk.list({ pool: 'p', states: ['queued'] })).toEqual([third, second])
    const shown = await desk.show(first!.id)
    expect(sealedBatchOf(shown!.batch!)).toEqual(batch)
    expect(await desk.show('0'.repeat(26))).toBeNull()
    expect(await desk.retry({ ids: [third!.id] })).toEqual([])
    expect(retried).toBe(1) // what is queued already goes at once
    expect(await desk.retry({ pool: 'p' })).toEqual([first!.id])
    expect(retried).toBe(2)
    expect(await desk.drop({ ids: [second!.id] }, 'wrong')).toEqual([second!.id])
    expect(await desk.list({ states: ['dropped'] })).toMatchObject([
      { id: second!.id, message: 'wrong', settled_at: T0 },
    ])
  })
})

it('the desk of an agent answers nothing else', async () => {
  using folder = makeFolder()
  using store = folder.open()
  const answer = answerDesk(makeOutboxDesk(store, () => T0))
  await expect(answer('["constructor"]')).rejects.toMatchObject({ code: 'usage' })
})
