import type { AuditEvent } from '../../core/audit.ts'
import type { UnixMs } from '../../core/brand.ts'
import { Fault } from '../../core/fault.ts'

/** What was done to a key, for the log. */
export type KeyEvent = Extract<AuditEvent, { kind: 'key_rotated' | 'key_destroyed' }>

/**
 * Answers of a running agent about keys: `argument` is the JSON of a key event. It goes into the log; the gates of the pools
 * whose plant key was destroyed are shut, since the agent holds the key in memory until it ends.
 */
export function answerKeys(agent: {
  readonly record: (event: KeyEvent, at: UnixMs) => Promise<void>
  readonly keepShut: (pool: string, fault: Fault) => Promise<void>
  readonly now: () => UnixMs
}): (argument: string) => Promise<unknown> {
  return async (argument) => {
    const event = JSON.parse(argument) as KeyEvent
    if (event.kind === 'key_destroyed')
      for (const pool of event.pools)
        await agent.keepShut(
          pool,
          new Fault('key-missing', { pool }, 'the plant key was destroyed: nothing is sealed any more'),
        )
    else if (event.kind !== 'key_rotated') throw new Fault('usage', {}, 'the agent does not know this of keys')
    await agent.record(event, agent.now())
    return null
  }
}
