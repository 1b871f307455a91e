import { fuzzModbus } from './fuzz-modbus.ts'
import { fuzzFormats } from './fuzz-mqtt.ts'
import { memory, round1, settled } from './memory.ts'
import { makeRandom } from './random.ts'

export interface FuzzResult {
  /** malformed, foreign, late or broken Modbus answers, TCP and RTU */
  readonly frames: number
  /** malformed MQTT payloads, all formats */
  readonly payloads: number
  readonly crashes: number
  /** readings that are neither right nor bad */
  readonly wrong_readings: number
  /** resident set at the end against that after a warm-up */
  readonly rss_growth_mb: number
}

/** Above this the memory counts as growing: 100,000 frames or payloads kept would be more. */
export const MOST_GROWTH_MB = 20
/** Part of all that is sent before the memory is measured first. */
const WARM_UP = 0.25

/**
 * Sends malformed Modbus answers to the adapter's client and malformed payloads to the MQTT intake. Whatever comes out must
 * be the right reading or a bad one.
 */
export async function proveFuzz(options: {
  readonly frames: number
  readonly payloads: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<FuzzResult> {
  const { seed, say } = options
  const random = makeRandom(seed)
  say(`fuzz: seed ${seed}`)
  let escaped = 0
  const onEscaped = (error: unknown): void => {
    escaped++
    say(`fuzz: nobody caught ${error instanceof Error ? error.stack : String(error)}`)
  }
  process.on('uncaughtException', onEscaped).on('unhandledRejection', onEscaped)
  try {
    await using tcp = await fuzzModbus('tcp', random, say)
    await using rtu = await fuzzModbus('rtu', random, say)
    const formats = await fuzzFormats(seed, say)
    const send = async (part: number): Promise<void> => {
      for (const link of [tcp, rtu]) await link.run(Math.ceil((options.frames / 2) * part))
      for (const format of formats) format.run(Math.ceil((options.payloads / formats.length) * part))
    }
    await send(WARM_UP)
    const before = await settled()
    say(`fuzz: after the warm-up ${memory()}`)
    await send(1 - WARM_UP)
    const growth = (await settled()).rss - before.rss
    say(`fuzz: at the end ${memory()}`)
    const links = [tcp.result(), rtu.result()]
    say(`fuzz: tcp ${JSON.stringify(links[0])}`)
    say(`fuzz: rtu ${JSON.stringify(links[1])}`)
    say(`fuzz: payloads ${formats.map((f) => `${f.name} ${f.payloads}`).join(', ')}`)
    const all = [...links, ...formats]
    return {
      frames: sum(links.map((link) => link.frames)),
      payloads: sum(formats.map((format) => format.payloads)),
      crashes: escaped + sum(all.map(({ crashes }) => crashes)),
      wrong_readings: sum(all.map(({ wrong }) => wrong)),
      rss_growth_mb: round1(growth),
    }
  } finally {
    process.off('uncaughtException', onEscaped).off('unhandledRejection', onEscaped)
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
