import type { MqttClient } from 'mqtt'

type Send = (packet: { readonly cmd: string }, done?: () => void, ...rest: readonly unknown[]) => void

/**
 * Takes the sending of PUBACKs away from the library, which acknowledges a message as soon as it was handled, and has no
 * public way to acknowledge later without stopping to read. The packet is swallowed where the library sends it.
 * `held-acks.test.ts` notices when a new version of the library no longer sends it there.
 * @returns acknowledges these packet ids, in this order (MQTT 5.0 §4.6); nothing where the connection is gone, because
 *   packet ids belong to it
 */
export function holdAcks(client: MqttClient): (packetIds: readonly number[]) => void {
  const internals = client as unknown as { _sendPacket: Send }
  const send = internals._sendPacket
  internals._sendPacket = (packet, done, ...rest) => {
    if (packet.cmd === 'puback') done?.()
    else send.call(client, packet, done, ...rest)
  }
  return (packetIds) => {
    const { stream } = client
    stream?.cork() // hundreds of them in one write
    for (const messageId of packetIds) {
      if (!client.connected) break
      send.call(client, { cmd: 'puback', messageId, reasonCode: 0 } as { cmd: string })
    }
    stream?.uncork()
  }
}
