import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { makeSimulatorMemory, openModbusSimulator } from '../../../adapters/modbus/simulator.ts'
import { openBroker } from '../../../adapters/mqtt/simulator.ts'
import { startAgent } from '../../../agent/daemon/agent.ts'
import { loadConfig } from '../../../config/load.ts'
import { makeClock } from '../../../core/clock.ts'

/**
 * The agent with its PLC and its broker in one process, whose file operations are recorded: `agent.ts CONFIG BROKER_PORT
 * MODBUS_PORT SPEED ORIGIN FIRST COUNT END`. Publishes COUNT messages numbered from FIRST on and says `a N` on standard output
 * when the PUBACK of number N has come: from then on a power cut must not lose it. END `killed`: by SIGKILL in the middle.
 */
const [config = '', ...numbers] = process.argv.slice(2)
const [brokerPort = 0, modbusPort = 0, speed = 1, origin = 0, first = 1, count = 0] = numbers.map(Number)
const killed = numbers.at(-1) === 'killed'
/** Real time between two messages, ms. */
const PACE = 4

let acknowledged = 0
await using broker = await openBroker({
  port: brokerPort,
  acknowledged(_topic, payload) {
    const { n } = JSON.parse(String(payload)) as { readonly n?: number }
    if (n === undefined) return
    acknowledged++
    process.stdout.write(`a ${n}\n`)
  },
})
const memory = makeSimulatorMemory()
memory.set(1, 'holding', 0, [40, 41])
await using plc = await openModbusSimulator({ read: memory.read, port: modbusPort })
const clock = makeClock(speed, origin)
await using agent = await startAgent({
  loaded: loadConfig(config),
  clock,
  log: pino({ level: 'warn', base: null }, pino.destination({ dest: 2, sync: true })),
  version: 'proof',
})

const publish = (content: object): Promise<void> =>
  broker.publish('line/press-7/count', JSON.stringify({ ts: clock.now(), ...content }), { qos: 1 })
// A broker keeps nothing for who has not subscribed yet.
await until(async () => {
  await publish({ idle: true })
  return ((await agent.status()).sources.line?.readings ?? 0) > 0
})
for (let n = first; n < first + count; n++) {
  await publish({ n })
  await delay(PACE)
  if (killed && n === first + count - 10) process.kill(process.pid, 'SIGKILL')
}
await until(() => acknowledged === count)
if (plc.requests === 0) throw new Error('the PLC was never read')

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error(`${acknowledged} of ${count} messages were acknowledged`)
    await delay(20)
  }
}
