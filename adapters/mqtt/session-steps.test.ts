import fc from 'fast-check'
import { expect, it } from 'vitest'
import { makeOrigins, NOTHING_NOTED, readersOf, type SessionNotes, type Step, stepsTo } from './session-steps.ts'
import { compileTopic, subscriptionId } from './topic-filter.ts'

const wanting = (...filters: readonly string[]): ReadonlyMap<string, 1> => new Map(filters.map((f) => [f, 1]))

/** `note A,B | A+B`: filters, and sets that are together; `ask A+B`; `drop A`. */
function brief(step: Step): string {
  if (step.kind === 'unsubscribe') return `drop ${step.filters}`
  if (step.kind === 'subscribe') return `ask ${step.together.join('+')}`
  const sets = step.notes.together.map((set) => set.join('+') || '-')
  return ['note', step.notes.filters, ...(sets.length > 0 ? ['|', ...sets] : [])].join(' ')
}

const briefly = (...given: Parameters<typeof stepsTo>): readonly string[] => stepsTo(...given).map(brief)

it.each<[string, readonly string[], SessionNotes, readonly string[]]>([
  ['filters that do not overlap', ['a', 'b'], NOTHING_NOTED, ['note a,b', 'ask ']],
  ['filters that do', ['b/#', 'b/a'], NOTHING_NOTED, ['note b/#,b/a', 'ask ', 'note b/#,b/a | b/#+b/a', 'ask b/#+b/a']],
  [
    'the same again, in another order',
    ['b/a', 'b/#'],
    { filters: ['b/#', 'b/a'], together: [['b/#', 'b/a']] },
    ['note b/a,b/# | b/#+b/a', 'ask b/#+b/a'],
  ],
  [
    'one less',
    ['b/a'],
    { filters: ['b/#', 'b/a'], together: [['b/#', 'b/a']] },
    ['note b/a,b/# | b/#+b/a', 'ask ', 'note b/a,b/# | b/#+b/a -', 'drop b/#', 'note b/a | b/#+b/a -'],
  ],
  [
    'what a crash left before the end',
    ['b/a'],
    { filters: ['b/a', 'b/#'], together: [['b/#', 'b/a'], []] },
    ['note b/a,b/# | b/#+b/a -', 'ask ', 'drop b/#', 'note b/a | b/#+b/a -'],
  ],
  ['one for another', ['b/a'], { filters: ['b/#'], together: [] }, ['note b/a,b/#', 'ask ', 'drop b/#', 'note b/a']],
])('brings a session to %s', (_, filters, before, expected) => {
  expect(briefly(wanting(...filters), before, true)).toEqual(expected)
})

it('says nothing of filters that are together where messages do not name theirs', () => {
  const before = { filters: ['b/#', 'b/a'], together: [['b/#', 'b/a']] }
  expect(briefly(wanting('b/#', 'b/a'), before, false)).toEqual([
    'note b/#,b/a | b/#+b/a',
    'ask ',
    'note b/#,b/a | b/#+b/a -',
  ])
})

it('remembers a bounded number of sets', () => {
  let notes: SessionNotes = NOTHING_NOTED
  for (let i = 0; i < 100; i++)
    for (const step of stepsTo(wanting('a/#', `a/${i}`), notes, true)) if (step.kind === 'note') notes = step.notes
  expect(notes.together).toHaveLength(8)
  expect(notes.together.at(-1)).toEqual(['a/#', 'a/99'])
})

const POOL = ['a/#', 'a/b', 'a/+', 'c/d']
const TOPICS = ['a/b', 'a/x', 'c/d']
const matches = (filter: string, topic: string): boolean => {
  const compiled = compileTopic(filter)
  return 'pattern' in compiled && compiled.pattern.match(topic) !== undefined
}

interface Copy {
  readonly message: number
  readonly topic: string
  readonly filter: string
  readonly id: number
}

/** A session at a broker that queues a copy for each filter that matches, with its identifier. */
function makeSession() {
  const subscribed = new Map<string, number>()
  const queue: Copy[] = []
  let sent = 0
  return {
    queue,
    publish(topic: string) {
      for (const [filter, id] of subscribed)
        if (matches(filter, topic)) queue.push({ message: sent, topic, filter, id })
      sent++
    },
    subscribe: (filter: string, together: readonly string[]) =>
      void subscribed.set(filter, subscriptionId(filter, together)),
    unsubscribe: (filter: string) => void subscribed.delete(filter),
  }
}

/** What becomes of a queue under a configuration: message → filter → times that its subscription reads it. */
function read(filters: readonly string[], originsOf: ReturnType<typeof makeOrigins>, queue: readonly Copy[]) {
  const times = new Map<number, Map<string, number>>()
  for (const { message, topic, id } of queue) {
    const matching = filters.filter((filter) => matches(filter, topic)).map((filter) => ({ filter }))
    const own = times.get(message) ?? new Map<string, number>()
    for (const { filter } of readersOf(matching, originsOf([id]))) own.set(filter, (own.get(filter) ?? 0) + 1)
    times.set(message, own)
  }
  return times
}

/** A configuration that is connected with: its filters, after how many actions it crashes, what is sent meanwhile. */
const connection = fc.record({
  filters: fc.uniqueArray(fc.constantFrom(...POOL), { minLength: 1 }),
  crashAfter: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(8)),
  sent: fc.array(fc.constantFrom(...TOPICS), { maxLength: 6 }),
  reads: fc.boolean(),
})

it('loses nothing and reads nothing twice that it knows to be a copy, wherever it crashes', () => {
  fc.assert(
    fc.property(
      fc.array(connection, { maxLength: 6 }),
      fc.uniqueArray(fc.constantFrom(...POOL), { minLength: 1 }),
      (past, last) => {
        const session = makeSession()
        let notes: SessionNotes = NOTHING_NOTED
        for (const { filters, crashAfter, sent, reads } of past) {
          const topics = sent.values()
          let left = crashAfter
          /** One thing that the broker or the disk does; messages come at any time. */
          const act = (does: () => void): void => {
            if (left-- <= 0) return
            does()
            const { value } = topics.next()
            if (value !== undefined) session.publish(value)
          }
          for (const step of stepsTo(wanting(...filters), notes, true)) {
            if (step.kind === 'note') act(() => (notes = step.notes))
            // One packet, which a broker handles as a whole.
            else if (step.kind === 'unsubscribe') act(() => step.filters.forEach(session.unsubscribe))
            else for (const f of filters) act(() => session.subscribe(f, step.together))
          }
          if (reads) session.queue.splice(0)
          for (const topic of topics) session.publish(topic)
        }
        const originsOf = makeOrigins(last, notes.together)
        const times = read(last, originsOf, session.queue)
        for (const [message, copies] of Map.groupBy(session.queue, (copy) => copy.message)) {
          const { topic } = copies[0]!
          const owners = copies.map((copy) => copy.filter)
          const wanted = last.filter((filter) => matches(filter, topic))
          const own = wanted.filter((filter) => owners.includes(filter))
          for (const filter of own.length > 0 ? own : wanted)
            expect(times.get(message)!.get(filter)).toBeGreaterThanOrEqual(1)
          // While the topics change some copies are of the set before, and nothing says that they belong together.
          const sets = new Set(copies.map(({ id }) => [...(originsOf([id])[0]?.together ?? [])].join()))
          if (sets.size === 1 && !sets.has(''))
            for (const filter of own) expect(times.get(message)!.get(filter)).toBe(1)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
