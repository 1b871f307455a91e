import { connect, type IClientOptions, type IClientSubscribeOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { Fault, type FaultWhere } from '../../core/fault.ts'
import { holdAcks } from './held-acks.ts'
import { faultOfDisconnect, faultOfError } from './link-fault.ts'
import type { MqttSourceConfig } from './schema.ts'

/** How long closing may wait for the broker. */
const GOODBYE_MS = 500

/** One connection to a broker; never reconnects by itself. */
export interface BrokerLink extends AsyncDisposable {
  /** Why the connection ended, or undefined while it is up. */
  fault(): Fault | undefined
  /**
   * Asks for these filters; where the broker refuses one the connection ends with `mqtt-subscribe`. Not a promise: the
   * answer comes behind the messages that wait in the session, and those may be more than are read at first.
   * @param idOf the identifier of a filter, used where the broker knows such
   */
  subscribe(filters: ReadonlyMap<string, 0 | 1>, idOf: (filter: string) => number, done: () => void): void
  /** Takes filters of an older configuration out of the session; `done` comes when the broker says they are gone. */
  unsubscribe(filters: readonly string[], done: () => void): void
  /** Acknowledges messages whose readings are durable. */
  acknowledge(packetIds: readonly number[]): void
  /** Sends a message once, at QoS 0; nobody hears whether it arrived. */
  publish(topic: string, payload: Uint8Array): void
  /** Goes on reading where `take` had stopped it. */
  resume(): void
}

/** What the connection tells. */
export interface LinkEvents {
  /** The broker accepted us; comes before any message. */
  connected(accepted: Accepted): void
  /** One message; its payload is valid only during the call. False stops reading until `resume`. */
  take(packet: IPublishPacket): boolean
  /** The connection is gone. */
  failed(): void
  /** Something an operator should know, though the connection goes on. */
  warn(message: string, fields: object): void
}

/** What the broker said to CONNECT. */
export interface Accepted {
  readonly session_present: boolean
  /** true: each message says which subscriptions it is for (MQTT 5) */
  readonly identified: boolean
}

/** Who connects. */
export interface Identity {
  readonly client_id: string
  /** true: a session without a name and a past, which ends with the connection */
  readonly transient: boolean
}

/**
 * Connects to a broker with a client of its own: the library's reconnecting client keeps state from one connection to the
 * next that belongs to the old one.
 * @throws Fault `source-…` where the broker cannot be reached, refuses, or does not answer in time
 */
export async function openLink(
  config: MqttSourceConfig,
  identity: Identity,
  where: FaultWhere,
  events: LinkEvents,
): Promise<BrokerLink> {
  const client = connect(config.url, optionsOf(config, identity))
  const statusTopic = identity.transient ? undefined : config.status_topic
  let identified = false
  const acknowledge = holdAcks(client)
  const established = Promise.withResolvers<void>()
  let fault: Fault | undefined
  let closing = false
  let parked: (() => void) | undefined
  /** SUBSCRIBEs that wait for their answer, and PINGRESPs in a row meanwhile */
  let unanswered = 0
  let pings = 0

  function fail(cause: Fault): void {
    if (closing || fault) return
    fault = cause
    established.reject(cause)
    events.failed()
  }

  /** Tells the status topic; where that fails, collecting goes on. */
  function say(status: 'online' | 'offline'): void {
    client.publish(statusTopic!, status, { qos: 1, retain: true }, (error) => {
      if (error && !closing) events.warn('the status could not be published', { topic: statusTopic, err: error })
    })
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
    if (packet.cmd === 'suback') unanswered--
    pings = packet.cmd === 'pingresp' && unanswered > 0 ? pings + 1 : 0
    // One of them may have overtaken a slow answer; a broker that goes on so will never send anything.
    if (pings > 1) fail(new Fault('source-timeout', where, 'the broker answers pings and not the subscription'))
    if (packet.cmd !== 'connack' || (packet.reasonCode ?? packet.returnCode) !== 0) return
    const { properties } = packet
    identified = config.protocol === '5' && properties?.subscriptionIdentifiersAvailable !== false
    events.connected({ session_present: packet.sessionPresent, identified })
    const kept = properties?.sessionExpiryInterval
    if (kept !== undefined && kept * 1_000 < config.session_expiry && !identity.transient)
      events.warn('the broker keeps the session shorter than session_expiry asks for', { session_expiry: `${kept}s` })
  })
  client.on('connect', () => {
    if (statusTopic !== undefined) say('online')
    established.resolve()
  })
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
    subscribe(filters, idOf, done) {
      let due = filters.size
      unanswered += due
      // One SUBSCRIBE a filter, because a subscription identifier (MQTT 5.0 §3.8.2.1.2) goes with a whole packet.
      for (const [filter, qos] of filters)
        client.subscribe(
          filter,
          { qos, ...subscribeOptions(config, identified ? idOf(filter) : undefined) },
          (error, granted) => {
            if (error) {
              const message = `the broker refused the subscription: ${error.message}`
              return fail(new Fault('mqtt-subscribe', { ...where, topic: filter }, message, { cause: error }))
            }
            if ((granted?.[0]?.qos ?? qos) < qos)
              events.warn('the broker grants QoS 0 only: what comes while the agent is away is lost', { topic: filter })
            if (--due === 0) done()
          },
        )
    },
    unsubscribe(filters, done) {
      client.unsubscribe([...filters], (error, packet) => {
        const codes = (packet as { readonly granted?: readonly number[] } | undefined)?.granted ?? []
        const refused = error ?? codes.find((code) => code >= 0x80)
        if (refused === undefined || refused === null) done()
        else if (!closing && !fault)
          events.warn('the broker keeps subscriptions of an older configuration', { filters })
      })
    },
    publish(topic, payload) {
      client.publish(topic, Buffer.from(payload), { qos: 0 })
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
      if (statusTopic !== undefined && client.connected && !fault) say('offline')
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

function optionsOf(config: MqttSourceConfig, identity: Identity): IClientOptions {
  const five = config.protocol === '5'
  const { transient } = identity
  const { ca, cert, key, servername } = config.tls ?? {}
  const expiry = transient ? 0 : Math.min(Math.ceil(config.session_expiry / 1_000), 0xffff_ffff)
  return {
    protocolVersion: five ? 5 : 4,
    clientId: identity.client_id,
    clean: transient,
    keepalive: Math.ceil(config.keepalive / 1_000),
    connectTimeout: config.connect_timeout,
    reconnectPeriod: 0,
    resubscribe: false,
    manualConnect: true,
    queueQoSZero: false,
    timerVariant: 'native',
    log: () => undefined, // the library's own costs a tenth of its time, even when it says nothing
    ...(five && { properties: { sessionExpiryInterval: expiry, receiveMaximum: config.window } }),
    ...(config.status_topic !== undefined &&
      !transient && { will: { topic: config.status_topic, payload: Buffer.from('offline'), qos: 1, retain: true } }),
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
  id: number | undefined,
): Pick<IClientSubscribeOptions, 'rh' | 'properties'> {
  if (config.protocol !== '5') return {}
  return { rh: 1, ...(id !== undefined && { properties: { subscriptionIdentifier: id } }) }
}

/** While nothing is read, the broker's PINGRESP is not read either: its absence then says nothing about the broker. */
function whileParked(client: MqttClient, parked: () => boolean): void {
  const timedOut = client.onKeepaliveTimeout
  client.onKeepaliveTimeout = () => {
    if (parked()) client.sendPing()
    else timedOut.call(client)
  }
}
