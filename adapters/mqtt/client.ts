import { connect, type IClientOptions, type IClientSubscribeOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { Fault, type FaultWhere } from '../../core/fault.ts'
import { holdAcks } from './held-acks.ts'
import { faultOfDisconnect, faultOfError } from './link-fault.ts'
import type { MqttSourceConfig } from './schema.ts'
import { subscriptionId } from './topic-filter.ts'

/** How long closing may wait for the broker. */
const GOODBYE_MS = 500

/** One connection to a broker; never reconnects by itself. */
export interface BrokerLink extends AsyncDisposable {
  /** Why the connection ended, or undefined while it is up. */
  fault(): Fault | undefined
  /**
   * Asks for these filters; where the broker refuses one the connection ends with `mqtt-subscribe`. Not a promise: the
   * answer comes behind the messages that wait in the session, and those may be more than are read at first.
   */
  subscribe(filters: ReadonlyMap<string, 0 | 1>): void
  /** Acknowledges messages whose readings are durable. */
  acknowledge(packetIds: readonly number[]): void
  /** Goes on reading where `take` had stopped it. */
  resume(): void
}

/** What the connection tells. */
export interface LinkEvents {
  /** The broker accepted us; comes before any message. */
  connected(sessionPresent: boolean): void
  /** One message; its payload is valid only during the call. False stops reading until `resume`. */
  take(packet: IPublishPacket): boolean
  /** The connection is gone. */
  failed(): void
}

/**
 * Connects to a broker with a client of its own: the library's reconnecting client keeps state from one connection to the
 * next that belongs to the old one.
 * @throws Fault `source-…` where the broker cannot be reached, refuses, or does not answer in time
 */
export async function openLink(
  config: MqttSourceConfig,
  clientId: string,
  where: FaultWhere,
  events: LinkEvents,
): Promise<BrokerLink> {
  const client = connect(config.url, optionsOf(config, clientId))
  const acknowledge = holdAcks(client)
  const established = Promise.withResolvers<void>()
  let fault: Fault | undefined
  let closing = false
  let parked: (() => void) | undefined

  function fail(cause: Fault): void {
    if (closing || fault) return
    fault = cause
    established.reject(cause)
    events.failed()
  }

  client.handleMessage = (packet, done) => {
    try {
      if (events.take(packet)) done()
      else parked = () => done()
    } catch (error) {
      // A bug that one message finds must not end the agent, which would meet the same message again at its start.
      fail(new Fault('source-protocol', where, 'a message could not be handled', { cause: error }))
    }
  }
  whileParked(client, () => parked !== undefined)
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'connack' && (packet.reasonCode ?? packet.returnCode) === 0)
      events.connected(packet.sessionPresent)
  })
  client.on('connect', () => established.resolve())
  client.on('error', (error) => fail(faultOfError(error, where)))
  client.on('disconnect', (packet) => fail(faultOfDisconnect(packet.reasonCode, where)))
  client.on('close', () =>
    fail(
      new Fault(
        'source-closed',
        where,
        'the broker closed the connection (an old one does so when another client has the same client_id)',
      ),
    ),
  )

  const link: BrokerLink = {
    fault: () => fault,
    acknowledge,
    subscribe(filters) {
      // One SUBSCRIBE a filter, because a subscription identifier (MQTT 5.0 §3.8.2.1.2) goes with a whole packet.
      for (const [filter, qos] of filters)
        client.subscribe(filter, { qos, ...subscribeOptions(config, filter) }, (error) => {
          if (error)
            fail(
              new Fault('mqtt-subscribe', { ...where, topic: filter }, 'the broker refused the subscription', {
                cause: error,
              }),
            )
        })
    },
    resume() {
      const go = parked
      parked = undefined
      if (!go) return
      client.reschedulePing(true)
      go()
    },
    async [Symbol.asyncDispose]() {
      closing = true
      if (!client.stream) return
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, GOODBYE_MS)
      // The library waits without end for answers that are still due.
      await Promise.race([client.endAsync(fault !== undefined || !client.connected), late.promise])
      clearTimeout(timer)
      client.stream.destroy()
    },
  }

  try {
    client.connect()
    await established.promise
  } catch (error) {
    await link[Symbol.asyncDispose]()
    throw error instanceof Fault ? error : faultOfError(error, where)
  }
  return link
}

function optionsOf(config: MqttSourceConfig, clientId: string): IClientOptions {
  const five = config.protocol === '5'
  const { ca, cert, key, servername } = config.tls ?? {}
  return {
    protocolVersion: five ? 5 : 4,
    clientId,
    clean: false,
    keepalive: Math.ceil(config.keepalive / 1_000),
    connectTimeout: config.connect_timeout,
    reconnectPeriod: 0,
    resubscribe: false,
    manualConnect: true,
    queueQoSZero: false,
    timerVariant: 'native',
    ...(five && {
      properties: {
        sessionExpiryInterval: Math.min(Math.ceil(config.session_expiry / 1_000), 0xffff_ffff),
        receiveMaximum: config.window,
      },
    }),
    ...(config.username !== undefined && { username: config.username }),
    ...(config.password !== undefined && { password: config.password }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(servername && { servername }),
  }
}

/** rh 1: retained messages come only where the subscription is new, not at every connection (MQTT 5.0 §3.8.3.1). */
function subscribeOptions(
  config: MqttSourceConfig,
  filter: string,
): Pick<IClientSubscribeOptions, 'rh' | 'properties'> {
  return config.protocol === '5' ? { rh: 1, properties: { subscriptionIdentifier: subscriptionId(filter) } } : {}
}

/** While nothing is read, the broker's PINGRESP is not read either: its absence then says nothing about the broker. */
function whileParked(client: MqttClient, parked: () => boolean): void {
  const timedOut = client.onKeepaliveTimeout
  client.onKeepaliveTimeout = () => {
    if (parked()) client.sendPing()
    else timedOut.call(client)
  }
}
