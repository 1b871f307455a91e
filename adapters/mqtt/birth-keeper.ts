import type { Delivery, SourceContext } from '../source.ts'
import type { Accepted } from './client.ts'
import type { MqttSourceConfig } from './schema.ts'
import type { SparkplugIntake } from './sparkplug-intake.ts'

/** What the keys of all sessions begin with. */
const ALL = 'sparkplug '

/** Keeps what Sparkplug births taught from one start to the next, for as long as the session at the broker lasts. */
export interface BirthKeeper {
  /** The broker accepted us; call before any message. */
  accepted(accepted: Accepted): void
  /** Forgets durably what holds no longer; before the first SUBSCRIBE, so that nothing of a new session is behind it. */
  settle(): Promise<void>
  /** What is to be noted with the next delivery; `isLast`: nothing is heard after it, so the sequences stand. */
  take(isLast: boolean): Pick<Delivery, 'memos'>
}

/** @param session names the session at the broker; what is noted of it is read at once */
export async function openBirthKeeper(
  config: MqttSourceConfig,
  { memo, transient }: SourceContext,
  session: string,
  sparkplug: SparkplugIntake | undefined,
): Promise<BirthKeeper | undefined> {
  if (!memo || transient) return undefined
  if (!sparkplug) {
    // A session without the nodes' topics misses their deaths.
    if ((await memo.list(ALL)).size > 0) await memo.drop(ALL)
    return undefined
  }
  const births = `${ALL}${session} births `
  const sequences = `${ALL}${session} sequences`
  const noted = await memo.list(births)
  const stood = await memo.get(sequences)
  // A death comes at QoS 1: what is subscribed at QoS 0 misses it while the agent is away.
  const hearsDeaths = config.subscriptions.every((s) => s.payload !== 'sparkplug_b' || s.qos === 1)
  let isKept = false
  return {
    accepted({ session_present }) {
      isKept = session_present && hearsDeaths
      if (!isKept) return sparkplug.distrust()
      const own = [...noted].map(([key, text]) => [key.slice(births.length), text] as const)
      sparkplug.resume({ births: new Map(own), sequences: stood })
    },
    async settle() {
      if (!isKept) await memo.drop(ALL)
      else if (stood !== undefined) await memo.drop(sequences)
    },
    take(isLast) {
      const changed = [...sparkplug.changedBirths()].map(([key, text]) => [births + key, text] as const)
      const memos = new Map<string, string | null>(isLast ? [...changed, [sequences, sparkplug.sequences()]] : changed)
      return memos.size > 0 && hearsDeaths ? { memos } : {}
    },
  }
}
