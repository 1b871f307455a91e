import type { SourceContext } from '../source.ts'
import type { Accepted, BrokerLink } from './client.ts'
import { type Arrival, makeCopies } from './copies.ts'
import type { MqttSourceConfig } from './schema.ts'
import { filtersOf } from './session.ts'
import { makeOrigins, NOTHING_NOTED, type Origin, type SessionNotes, type Step, stepsTo } from './session-steps.ts'
import { patternOf } from './subscription.ts'
import { subscriptionId } from './topic-filter.ts'

/** Keeps what the session at the broker subscribes as it is configured; for one connection. */
export interface SessionKeeper {
  /** true: the broker no longer has the session that is noted */
  readonly isLost: boolean
  /** The broker accepted us; call before any message. */
  accepted(accepted: Accepted): void
  /**
   * Subscribes and unsubscribes what has changed. Resolves when the first note is durable and the first SUBSCRIBE is on its
   * way; the rest follows while messages come, as the broker answers behind those that wait.
   */
  agree(link: BrokerLink): Promise<void>
  /** The subscriptions that brought a message, by its identifiers. */
  originsOf(ids: readonly number[]): readonly Origin[]
  /** true: the copy of a message that came already, where no identifier says what it is for */
  isCopy(message: Arrival, isStored: (hash: Buffer) => boolean): boolean
}

/** @param session names the session at the broker; what is noted of it is read at once */
export async function openSessionKeeper(
  config: MqttSourceConfig,
  context: SourceContext,
  session: string,
): Promise<SessionKeeper> {
  const { memo, transient = false } = context
  const wanted = config.subscriptions.map((s) => ({ topic: patternOf(s).filter, qos: s.qos }))
  const text = transient ? undefined : await memo?.get(`session ${session}`)
  let noted = text === undefined ? NOTHING_NOTED : (JSON.parse(text) as SessionNotes)
  let isLost = false
  let filters: ReadonlyMap<string, 0 | 1> = new Map()
  let steps: readonly Step[] = []
  let originsOf = makeOrigins([], [])
  let copies = makeCopies([], true)

  async function note(notes: SessionNotes): Promise<void> {
    originsOf = makeOrigins(filters.keys(), notes.together)
    if (transient || JSON.stringify(notes) === JSON.stringify(noted)) return
    await memo?.set(`session ${session}`, JSON.stringify(notes))
    noted = notes
  }

  /** Takes one step after the other; ends with the connection. */
  async function take([step, ...rest]: readonly Step[], link: BrokerLink): Promise<void> {
    const goOn = (): void => {
      take(rest, link).catch((err: unknown) =>
        context.log.warn({ source: context.name, err }, 'the filters of the session could not be noted'),
      )
    }
    if (step?.kind === 'unsubscribe')
      link.unsubscribe(step.filters, () => {
        copies.unsubscribed(step.filters)
        goOn()
      })
    else if (step?.kind === 'note') {
      await note(step.notes)
      await take(rest, link)
    } else if (step?.kind === 'subscribe') {
      const idOf = (filter: string): number => subscriptionId(filter, step.together)
      link.subscribe(filters, idOf, () => {
        copies.subscribed()
        goOn()
      })
    }
  }

  return {
    get isLost() {
      return isLost
    },
    accepted({ session_present, identified }) {
      const before = session_present ? noted : NOTHING_NOTED
      isLost = !session_present && noted.filters.length > 0
      const asConfigured = filtersOf(wanted, identified)
      // A probe acknowledges nothing, and would get no more than the broker's window.
      filters = transient ? new Map([...asConfigured.keys()].map((filter) => [filter, 0])) : asConfigured
      steps = stepsTo(filters, before, identified && !transient)
      originsOf = makeOrigins(filters.keys(), before.together)
      if (identified) return
      const inSession = new Set([...filters.keys(), ...before.filters])
      copies = makeCopies([...inSession], inSession.size === before.filters.length)
    },
    agree: (link) => take(steps, link),
    originsOf: (ids) => originsOf(ids),
    isCopy: (message, isStored) => copies.isCopy(message, isStored),
  }
}
