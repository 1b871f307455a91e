import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { makeAgent, stopAgents } from '../../test/support/broker-agent.ts'
import { makeMemoryStore } from '../../test/support/collecting.ts'
import { eventually } from '../../test/support/eventually.ts'
import { openMqttSource } from './adapter.ts'
import { mqttSourceSchema } from './schema.ts'
import { openBroker } from './simulator.ts'

/** What shows only after years, or on a network that drops connections without a word. */

afterEach(stopAgents)

const heat = { topic: 'hall/{asset}', signals: { heat: { path: '$' } } }

function configure(url: string, options: object = {}) {
  return mqttSourceSchema.parse({ kind: 'mqtt', url, protocol: '3.1.1', subscriptions: [heat], ...options })
}

it('leaves no timer and no socket behind and reads its marks once, however often it connects', async () => {
  const broker = await openBroker()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const config = configure(broker.url, { status_topic: 'status' })
  const store = makeMemoryStore()
  const stored = store.context('climate')
  const asked: number[] = []
  const context = {
    ...stored,
    marks: (session: string, after: number) => {
      asked.push(after)
      return stored.marks(session, after)
    },
  }
  const resources = (): number => process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length
  const flap = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await (await openMqttSource(config, context))[Symbol.asyncDispose]()
  }
  await flap(3)
  const before = resources()
  await flap(25)
  await eventually(() => expect(resources()).toBeLessThanOrEqual(before))
  expect(store.memos.size).toBe(1)
  expect(asked).toEqual([0])
})

it.each([
  ['is gone without a word', false, /silent/],
  ['answers pings and never the subscription', true, /not the subscription/],
])('notices a broker that %s', async (_, pings, message) => {
  const sockets = new Set<Socket>()
  const mute = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()))
    socket.once('data', () => socket.write(Uint8Array.of(0x20, 2, 0, 0))).resume()
    const PINGREQ = 0xc0
    if (pings) socket.on('data', (bytes) => bytes[0] === PINGREQ && socket.write(Uint8Array.of(0xd0, 0)))
  })
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => mute.close(resolve))
  })
  const config = configure(`mqtt://127.0.0.1:${(mute.address() as AddressInfo).port}`)
  const agent = makeAgent({ ...config, keepalive: 1_000 })
  await agent.start()
  await eventually(() =>
    expect(agent.fault()).toMatchObject({
      code: 'source-timeout',
      fate: 'retries',
      message: expect.stringMatching(message),
    }),
  )
})
