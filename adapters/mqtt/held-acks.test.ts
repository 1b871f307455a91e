import { connect, type MqttClient } from 'mqtt'
import { afterEach, expect, it, vi } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { holdAcks } from './held-acks.ts'
import { type Broker, openBroker } from './simulator.ts'

let broker: Broker | undefined
let client: MqttClient | undefined

afterEach(async () => {
  await client?.endAsync(true)
  await broker?.[Symbol.asyncDispose]()
})

/** What the library must go on doing for `holdAcks` to work; a new version that does not fails here. */
it('lets messages in and PUBACKs out only when told', async () => {
  broker = await openBroker()
  client = connect(broker.url, { clientId: 'held', clean: false, reconnectPeriod: 0, manualConnect: true })
  const acknowledge = holdAcks(client)
  const seen: number[] = []
  const sent: string[] = []
  client.handleMessage = (packet, done) => {
    seen.push(packet.messageId!)
    done()
  }
  client.on('packetsend', (packet) => sent.push(packet.cmd))
  client.connect()
  await eventually(() => expect(client?.connected).toBe(true))
  const written = vi.spyOn(client.stream, 'write')
  await client.subscribeAsync('a/#', { qos: 1 })
  for (let i = 0; i < 5; i++) await broker.publish(`a/${i}`, 'x', { qos: 1 })

  await eventually(() => expect(seen).toHaveLength(5))
  expect(sent).toEqual(['connect', 'subscribe'])
  written.mockClear()
  acknowledge(seen.slice(0, 3))
  const acks = seen.slice(0, 3).flatMap((id) => [0x40, 2, id >> 8, id & 0xff])
  expect(written.mock.calls).toEqual([[Buffer.from(acks)]])

  await client.endAsync(true)
  acknowledge(seen.slice(3))
  expect(written.mock.calls).toHaveLength(1)
  expect(sent).toEqual(['connect', 'subscribe'])
})
