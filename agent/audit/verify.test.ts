import { describe, expect, it } from 'vitest'
import { type AuditEvent, encodeLeaf, GENESIS, hashLeaf } from '../../core/audit.ts'
import { newKey } from '../../test/support/sealing.ts'
import { type SigningKey, signReceipt } from '../../uplink/signature.ts'
import { signCheckpoint } from './checkpoint.ts'
import { rotateAuditKey } from './rotation.ts'
import { type AuditFindings, makeAuditCheck, statesOf } from './verify.ts'

const auditKey = newKey()
const poolKey = newKey()
const T0 = Date.UTC(2026, 5, 1)

function receiptOf(i: number) {
  const claims = { v: 1, pool: 'p', contributor: 'C', batch_id: `batch-${i}`, sha256: 'ab', received: 'now' } as const
  return signReceipt(poolKey, claims)
}

const delivered = (i: number): AuditEvent => ({
  ...({ kind: 'delivered', pool: 'p', batch: `batch-${i}`, sha256: 'ab' } as const),
  receipt: { kind: 'signed', ...receiptOf(i) },
})

/** A log as it should be. */
function logOf(events: readonly AuditEvent[]): string[] {
  let prev = GENESIS
  return events.map((event, n) => {
    const leaf = encodeLeaf(event, { n, at: T0 + n, prev })
    prev = hashLeaf(leaf)
    return leaf
  })
}

const checkpointOf = (leaves: readonly string[], size: number, key: SigningKey = auditKey): string =>
  signCheckpoint(key, { size, hash: hashLeaf(leaves[size - 1]!) }, T0 + size)

function verify(
  leaves: readonly string[],
  parts: {
    readonly here?: readonly string[]
    readonly elsewhere?: readonly string[]
    readonly receipts?: readonly number[]
    readonly key?: SigningKey
  } = {},
): AuditFindings {
  const check = makeAuditCheck({ key: (parts.key ?? auditKey).id, receiptKeys: new Map([['p', poolKey.id]]) })
  for (const text of parts.elsewhere ?? []) check.checkpoint(text, 'elsewhere')
  for (const text of parts.here ?? []) check.checkpoint(text, 'here')
  for (const text of leaves) check.leaf(text)
  for (const i of parts.receipts ?? []) check.receipt(receiptOf(i))
  return check.findings()
}

const events = Array.from({ length: 10 }, (_, i) => delivered(i))
const log = logOf(events)
const held = [checkpointOf(log, 4), checkpointOf(log, 8)]

describe('a log as it was written', () => {
  it('agrees with every checkpoint and receipt', () => {
    const found = verify(log, { here: held, elsewhere: held, receipts: [0, 9] })
    expect(found).toMatchObject({
      ok: true,
      first: 0,
      size: 10,
      checkpoints: { here: 2, elsewhere: 2 },
      held: { size: 8 },
      receipts: { verified: 10, unknown: 0 },
      keys: [auditKey.id],
    })
    expect(statesOf(found, '/mnt/audit').join('\n')).toMatch(
      /proven: leaves 0 to 7 .*\/mnt\/audit(.|\n)*not proven: leaves 8 to 9/,
    )
  })

  it('is vouched for from its last break on only', () => {
    const altered = log.with(5, log[5]!.replace('batch-5', 'batch-6'))
    const found = verify(altered, { here: [checkpointOf(log, 8)] })
    expect(found).toMatchObject({ ok: false, signed: { from: 6, size: 8 } })
    expect(statesOf(found, undefined)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^proven: leaves 6 to 7 /),
        expect.stringMatching(/^not proven: leaves 0 to 5, /),
      ]),
    )
  })

  it('goes on under a new audit key that the old one led to', () => {
    const next = newKey()
    const rotated = logOf([...events, rotateAuditKey(auditKey, next)])
    const checkpoints = [...held, checkpointOf(rotated, 11, next)]
    for (const key of [auditKey, next])
      expect(verify(rotated, { here: checkpoints, elsewhere: checkpoints, key })).toMatchObject({ ok: true })
  })
})

describe('a log whose oldest leaves are gone', () => {
  /** Whoever rules the database deletes leaves and adds one that says they were given up: no signature is asked for. */
  const cut = (before: number): readonly string[] => {
    const event = { kind: 'given_up', before, hash: hashLeaf(log[before - 1]!) } as const
    return [...log.slice(before), encodeLeaf(event, { n: 10, at: T0, prev: hashLeaf(log[9]!) })]
  }

  it('is not proven by checkpoints that end within them', () => {
    const found = verify(cut(8), { elsewhere: held })
    expect(found).toMatchObject({ ok: true, first: 8, incomparable: 2, checkpoints: { elsewhere: 0 }, held: null })
    const states = statesOf(found, undefined).join('\n')
    expect(states).toMatch(/not comparable: 2,/)
    expect(states).toMatch(/not proven: that leaves 0 to 7 were given up for room, and not cut off/)
    expect(states).not.toMatch(/^proven|that agree: [1-9]/m)
    expect(verify(cut(6), { elsewhere: held })).toMatchObject({ incomparable: 1, held: { size: 8 } })
  })

  it('is suspect where it is shorter than the log leaves it', () => {
    const found = verify(cut(8))
    expect(statesOf(found, undefined, 4).join('\n')).toMatch(/warning: 3 leaves are left where there is room for 4/)
    for (const [whole, fewest] of [
      [found, 3],
      [verify(log), 99],
    ] as const)
      expect(statesOf(whole, undefined, fewest).join('\n')).not.toMatch(/warning/)
  })
})

const edited = (n: number): string[] => log.with(n, log[n]!.replace(`batch-${n}`, 'batch-x'))
const shorter = logOf(events.filter((_, i) => i !== 5))
const thief = newKey()
const genuine = rotateAuditKey(auditKey, newKey())
const forged = { ...rotateAuditKey(thief, thief), before: auditKey.id }

describe('a log that was tampered with', () => {
  it.each([
    ['an edited leaf', edited(5), {}, /leaf 6 does not follow/],
    ['an edited leaf under the last checkpoint', edited(7).slice(0, 8), { here: held }, /of 8 leaves.*altered/],
    ['a text that is no leaf', log.with(3, 'no leaf'), {}, /leaf 3 is not as it was written/],
    ...Object.entries({
      'a delivery without a receipt': { ...delivered(0), receipt: undefined },
      'a delivery whose receipt is nothing': { ...delivered(0), receipt: null },
      'a delivery whose receipt has no signature': { ...delivered(0), receipt: { kind: 'signed', kid: poolKey.id } },
      'a delivery of no batch': { ...delivered(0), batch: { toString: 7 } },
      'a rotation from no key': { ...genuine, before: { toString: 7 } },
      'leaves given up behind no hash': { kind: 'given_up', before: 0, hash: { toString: 7 } },
    }).map(
      ([name, event]) =>
        [name, logOf([event as unknown as AuditEvent]), {}, /leaf 0 is not as it was written: it is none/] as const,
    ),
    ['a deleted leaf', log.filter((_, i) => i !== 5), {}, /leaf 5 is missing/],
    ['a beginning that is gone', log.slice(2), {}, /leaves 0 to 1 are missing/],
    ['an end that was cut off below a checkpoint', log.slice(0, 7), { elsewhere: held }, /its end was cut off/],
    ['a chain written anew without a leaf', shorter, { elsewhere: held }, /of 8 leaves.*held elsewhere.*written anew/],
    [
      'a chain written anew under another key',
      shorter,
      { here: [checkpointOf(shorter, 9, thief)], elsewhere: held, key: thief },
      /is not the audit key of this log/,
    ],
    [
      'checkpoints signed by whoever has not the key',
      log,
      { here: [checkpointOf(log, 8, thief)] },
      /is not the audit key/,
    ],
    ...(
      [
        ['unsigned', { sigs: undefined }],
        ['signed by the new key alone', { sigs: { before: forged.sigs!.after, after: forged.sigs!.after } }],
        ['signed by the old key for another', { sigs: { ...forged.sigs!, before: genuine.sigs!.before } }],
        ['with no text for a signature', { sigs: { before: 7 } }],
      ] as const
    ).map(([how, change]) => {
      const { sigs: _, ...bare } = forged
      const leaves = logOf([...events, { ...bare, ...(change.sigs && { sigs: change.sigs }) } as AuditEvent])
      return [
        `a rotation to the forger's key, ${how}`,
        leaves,
        { here: [checkpointOf(leaves, 11, thief)] },
        /leaf 10: another audit key(.|\n)*of 11 leaves.*is not the audit key/,
      ] as const
    }),
    [
      "a rotation from the forger's key to the real one, signed by the forger",
      logOf([...events, { ...rotateAuditKey(thief, auditKey), sigs: rotateAuditKey(thief, thief).sigs! }]),
      {},
      /leaf 10: another audit key/,
    ],
    ['a forged checkpoint', log, { here: [held[0]!.replace('"size":4', '"size":5')] }, /its signature is not that/],
    ['a delivery that the pool has a receipt of', shorter, { receipts: [5] }, /batch-5: the log has no such delivery/],
    [
      'a forged receipt of the pool',
      logOf([
        { ...delivered(0), pool: 'p', receipt: { kind: 'signed', ...receiptOf(0), received: 'then' } } as AuditEvent,
      ]),
      {},
      /leaf 0: the receipt in it is not signed/,
    ],
  ] as const)('is found out by %s', (_, leaves, parts, problem) => {
    const { ok, problems } = verify(leaves, parts)
    expect(ok).toBe(false)
    expect(problems.join('\n')).toMatch(problem)
  })

  it('says where it notes its own loss', () => {
    const after = encodeLeaf(
      { kind: 'damaged', left: 8, breaks: 0, expected: 10, batches: 0 },
      { n: 10, at: T0, prev: hashLeaf(log[7]!) },
    )
    expect(verify([...log.slice(0, 8), after]).problems).toEqual([
      'leaves 8 to 9 are missing; the log says itself that they were lost with a damaged or older database',
    ])
  })
})

/** What docs/audit.md says cannot be seen. */
describe('what nobody can find out from the log', () => {
  it.each([
    ['an end that was cut off behind the last checkpoint', log.slice(0, 8), { here: held, elsewhere: held }],
    [
      'log and audit key replaced together, with no copy elsewhere',
      shorter,
      { here: [checkpointOf(shorter, 9, thief)], key: thief },
    ],
    [
      'a chain written anew by whoever has the audit key, with no copy elsewhere',
      shorter,
      { here: [checkpointOf(shorter, 9)] },
    ],
  ] as const)('%s', (_, leaves, parts) => {
    expect(verify(leaves, parts).problems).toEqual([])
  })
})
