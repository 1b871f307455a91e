import { encodeRegisters } from '../../adapters/modbus/encode.ts'
import { type ModbusSimulator, openModbusSimulator, type SimulatedAnswer } from '../../adapters/modbus/simulator.ts'
import { openBroker } from '../../adapters/mqtt/simulator.ts'
import { type Clock, makeClock } from '../../core/clock.ts'
import { MESSAGE_PERIOD, type PlantAddresses, PRESS_REGISTERS } from './files.ts'
import { HALL, type Plant, PRESSES } from './plant.ts'
import type { Truth } from './truth.ts'

/** Real time (ms) between two steps of the plant. */
const STEP = 10
const ILLEGAL_ADDRESS = { exception: 2 } as const

/** The plant's network: a PLC a press, and a broker that the hall's sensors and the inspection station publish to. */
export interface PlantServers extends PlantAddresses, AsyncDisposable {
  /** The plant stands still: nothing is published any more; the servers go on answering. */
  stop(): Promise<void>
}

/** Starts them on free loopback ports; the plant lives by `clock` from now on. */
export async function openPlantServers(plant: Plant, truth: Truth, clock: Clock): Promise<PlantServers> {
  plant.step(clock.now())
  truth.record(clock.now())
  await using opened = new AsyncDisposableStack()
  const broker = opened.use(await openBroker())
  const plcs: ModbusSimulator[] = []
  for (const i of PRESSES.keys())
    plcs.push(opened.use(await openModbusSimulator({ read: (_, ...request) => read(plant, i, request) })))

  const stopping = new AbortController()
  async function live(): Promise<void> {
    let published: number = clock.now()
    while (!stopping.signal.aborted) {
      const now = clock.now()
      plant.step(now)
      truth.record(now)
      while (published + MESSAGE_PERIOD <= now) {
        published += MESSAGE_PERIOD
        await publish(published)
      }
      await makeClock().sleep(STEP, stopping.signal)
    }
  }
  async function publish(ts: number): Promise<void> {
    const { temperature: t, humidity: rh } = plant.hall()
    await broker.publish(`hall/${HALL}/climate`, JSON.stringify({ ts, t: round(t), rh: round(rh) }), { qos: 1 })
    for (const [i, press] of PRESSES.entries()) {
      await broker.publish(`line/${press}/quality`, JSON.stringify({ ts, ...plant.quality(i) }), { qos: 1 })
    }
  }

  const living = live()
  const resources = opened.move()
  async function stop(): Promise<void> {
    stopping.abort()
    await living
  }
  return {
    press_ports: plcs.map((plc) => plc.port),
    broker_url: broker.url,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      await resources.disposeAsync()
    },
  }
}

/** What the PLC of press i answers to a read; registers that its manual does not list are illegal. */
function read(plant: Plant, i: number, [table, address, quantity]: readonly [string, number, number]): SimulatedAnswer {
  const values = plant.press(i)
  const registers = new Map<number, number>()
  for (const [name, place] of Object.entries(PRESS_REGISTERS)) {
    if (place.table !== table) continue
    const words = encodeRegisters(values[name as keyof typeof PRESS_REGISTERS], place.type)
    for (const [n, word] of words.entries()) registers.set(place.address + n, word)
  }
  const answer = Array.from({ length: quantity }, (_, n) => registers.get(address + n))
  return answer.every((word) => word !== undefined) ? answer : ILLEGAL_ADDRESS
}

function round(x: number): number {
  return Math.round(x * 100) / 100
}
