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
    if (client.connected && packetIds.length > 0) client.stream.write(pubacks(packetIds))
  }
}

/** PUBACKs of success, one after the other (MQTT 3.1.1 §3.4; the same in MQTT 5.0 §3.4.2.1). */
function pubacks(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * packetIds.length)
  for (const [i, id] of packetIds.entries()) bytes.writeUInt32BE(0x4002_0000 + id, 4 * i)
  return bytes
}
