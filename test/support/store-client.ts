import type { StoreClient } from '../../agent/daemon/store-client.ts'

/** A store of which only `parts` may be asked; anything else is a bug of the test or of what it tests. */
export function makeStoreClient(parts: Partial<StoreClient>): StoreClient {
  const absent = (name: string) => async (): Promise<never> => {
    throw new TypeError(`the test has no ${name}`)
  }
  return {
    intern: absent('intern'),
    append: absent('append'),
    marks: absent('marks'),
    dropMarks: absent('dropMarks'),
    memo: absent('memo'),
    setMemo: absent('setMemo'),
    memos: absent('memos'),
    dropMemos: absent('dropMemos'),
    startRun: absent('startRun'),
    retirePools: absent('retirePools'),
    retirePool: absent('retirePool'),
    withdrawal: absent('withdrawal'),
    withdrawPool: absent('withdrawPool'),
    noteWithdrawn: absent('noteWithdrawn'),
    joinPool: absent('joinPool'),
    openPool: absent('openPool'),
    nextBatch: absent('nextBatch'),
    settle: absent('settle'),
    disown: absent('disown'),
    unburied: absent('unburied'),
    buried: absent('buried'),
    noteAttempt: absent('noteAttempt'),
    countSent: absent('countSent'),
    outbox: absent('outbox'),
    outboxBatch: absent('outboxBatch'),
    retryBatches: absent('retryBatches'),
    dropBatches: absent('dropBatches'),
    noteGate: absent('noteGate'),
    record: absent('record'),
    addCheckpoint: absent('addCheckpoint'),
    raiseAlarm: absent('raiseAlarm'),
    clearAlarm: absent('clearAlarm'),
    tidy: absent('tidy'),
    claimed: absent('claimed'),
    status: absent('status'),
    look: absent('look'),
    openGate: absent('openGate'),
    closeGate: absent('closeGate'),
    close: absent('close'),
    [Symbol.asyncDispose]: async () => undefined,
    ...parts,
  }
}
