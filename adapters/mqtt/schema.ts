import { z } from 'zod'
import { byteSize, duration, secret } from '../../core/option.ts'
import { pemCertificate, pemKey } from '../../core/pem.ts'
import { subscriptionSchema } from './subscription-schema.ts'

const tls = z
  .strictObject({
    ca: pemCertificate
      .optional()
      .describe('PEM of the authority that signed the broker, as { file: path }; default: public ones'),
    cert: pemCertificate.optional().describe('PEM of the client certificate, as { file: path }'),
    key: pemKey.optional().describe('PEM of the key of the client certificate, as { file: path }'),
    servername: z
      .string()
      .min(1)
      .optional()
      .describe('name in the broker’s certificate, where it is not the host of url'),
  })
  .superRefine((t, ctx) => {
    if ((t.cert === undefined) === (t.key === undefined)) return
    const [has, lacks] = t.cert === undefined ? (['key', 'cert'] as const) : (['cert', 'key'] as const)
    ctx.addIssue({
      code: 'custom',
      path: [has],
      message: `${has} needs ${lacks} beside it`,
      params: { hint: `add ${lacks}: { file: path }` },
    })
  })

/** A `kind: mqtt` source: one connection to a broker. */
export const mqttSourceSchema = z
  .strictObject({
    kind: z.literal('mqtt').describe('an MQTT broker'),
    url: z.string().superRefine(checkUrl).describe('mqtt://host[:1883], or mqtts://host[:8883] for TLS'),
    protocol: z
      .literal(['3.1.1', '5', 5])
      .default('5')
      .transform((version) => (version === 5 ? '5' : version)) // YAML reads an unquoted 5 as a number
      .describe('version of MQTT that is spoken with the broker: 3.1.1 or 5'),
    client_id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('name of the session at the broker; default: made from the source and the data folder'),
    username: z.string().min(1).optional().describe('user at the broker'),
    password: secret.optional().describe('password at the broker, as { file: path } or { env: NAME }'),
    tls: tls.optional().describe('certificates for mqtts://'),
    keepalive: duration({ min: '5s', max: '18h' })
      .default(30_000)
      .describe('a link on which nothing is heard for 1.5 times this is given up; whole seconds'),
    connect_timeout: duration({ min: '100ms', max: '5m' })
      .default(4_000)
      .describe('deadline for connection, TLS and login together'),
    session_expiry: duration({ min: '1m', max: '3650d' })
      .default(604_800_000)
      .describe('how long the broker keeps messages while the agent is away (MQTT 5; with 3.1.1 the broker decides)'),
    status_topic: z
      .string()
      .superRefine(checkStatusTopic)
      .optional()
      .describe(
        'topic that holds `online` or `offline` (retained; the broker says it where the agent cannot); default: nothing is ever published',
      ),
    ack_within: duration({ max: '10s' })
      .default(100)
      .describe('longest time a message waits for its commit and acknowledgement; 1s spares flash'),
    window: z
      .int()
      .min(1)
      .max(65_535)
      .default(20)
      .describe('messages the broker sends ahead of acknowledgement (its max_inflight_messages); half of it commits'),
    max_assets: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .describe('assets that {asset} may create; messages of further ones are refused and counted'),
    max_payload: byteSize({ min: '1KiB' }).default(262_144).describe('longer payloads are refused and counted'),
    subscriptions: z.array(subscriptionSchema).min(1).describe('what is subscribed and how it becomes signals'),
  })
  .superRefine((source, ctx) => {
    if (source.tls !== undefined && !source.url.startsWith('mqtts:'))
      ctx.addIssue({
        code: 'custom',
        path: ['tls'],
        message: 'tls is set but url is not mqtts://',
        params: { hint: 'write mqtts:// in url (port 8883 unless stated), or remove tls' },
      })
    if (source.password !== undefined && source.username === undefined && source.protocol === '3.1.1')
      ctx.addIssue({
        code: 'custom',
        path: ['password'],
        message: 'MQTT 3.1.1 has no password without a username',
        params: { hint: 'add username' },
      })
  })

export type MqttSourceConfig = z.infer<typeof mqttSourceSchema>

function checkUrl(text: string, ctx: z.RefinementCtx<string>): void {
  const problem = urlProblem(text)
  if (problem) ctx.addIssue({ code: 'custom', message: problem[0], params: { hint: problem[1] } })
}

function checkStatusTopic(text: string, ctx: z.RefinementCtx<string>): void {
  const isTopic = text !== '' && !/[+#\0{}]/.test(text) && !text.startsWith('$') && Buffer.byteLength(text) <= 65_535
  if (isTopic) return
  ctx.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is not a topic that can be published to`,
    params: { hint: 'write one topic without "+", "#" and {asset}, such as gateways/hall-2/status' },
  })
}

function urlProblem(text: string): readonly [message: string, hint: string] | undefined {
  const url = URL.parse(text)
  // A password that stands before an "@" must not come back in the message.
  if (!url || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '')
    return [
      `${JSON.stringify(text.replace(/^.*@/s, '…@'))} is not the address of a broker`,
      'write mqtt://host:1883 or mqtts://host:8883',
    ]
  if (url.username !== '' || url.password !== '')
    return ['credentials do not belong in url', 'write username and password: { file: path } beside it']
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '')
    return ['url has a path', 'write scheme, host and port only']
  return undefined
}
