import { z } from 'zod'
import { byteSize, duration, secret, zone } from '../core/option.ts'
import { pemCertificate, pemKey } from '../core/pem.ts'
import { parseWindow } from './local-time.ts'
import { parsePublicKey } from './signature.ts'

/** The address of a server: nothing in it but scheme, host, port and what may come before a path of ours. */
function address(what: string, schemes: readonly string[], example: string, credentials: string): z.ZodType<string> {
  return z.string().superRefine((text, ctx) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const issue = (message: string, hint: string): void => ctx.addIssue({ code: 'custom', message, params: { hint } })
    if (!url || !schemes.includes(url.protocol)) issue(`"${text}" is not the address of a ${what}`, `write ${example}`)
    else if (url.username !== '' || url.password !== '') issue('the address contains credentials', credentials)
    else if (url.search !== '' || url.hash !== '')
      issue(`"${text}" has a query or fragment`, `write the address alone: ${example}`)
  })
}

const poolUrl = address(
  'pool',
  ['https:', 'http:'],
  'https://host or https://host:port, without the path of the interface',
  'remove them: the signing key says who the plant is',
)

const proxy = z
  .strictObject({
    url: address('proxy', ['http:'], 'http://host:port', 'write them as username and password').describe(
      'address of the proxy; an https pool is reached through a tunnel, whose content it does not see',
    ),
    username: z.string().min(1).optional().describe('where the proxy asks for one'),
    password: secret.optional().describe('of that user'),
  })
  .superRefine((p, ctx) => {
    if ((p.username === undefined) === (p.password === undefined)) return
    const [given, absent] = p.username === undefined ? ['password', 'username'] : ['username', 'password']
    ctx.addIssue({
      code: 'custom',
      path: [given!],
      message: `${given} without ${absent}`,
      params: { hint: `add ${absent}, or remove ${given}` },
    })
  })

const window = z
  .string()
  .transform((text, ctx) => {
    const parsed = parseWindow(text)
    if (parsed) return parsed
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not a window`,
      params: { hint: 'write two times of the day, such as "22:00-06:00"; the end is not part of it' },
    })
    return z.NEVER
  })
  .meta({ as: 'window' })

const publicKey = z.string().superRefine((text, ctx) => {
  if (parsePublicKey(text) === undefined)
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not a public key`,
      params: { hint: 'write ed25519: and the base64 of 32 bytes, as the pool gives it' },
    })
})

const tls = z
  .strictObject({
    ca: pemCertificate
      .optional()
      .describe("PEM of the authority that signed the pool's certificate, where it is a private one"),
    cert: pemCertificate.optional().describe('PEM of the client certificate, where the pool asks for one'),
    key: pemKey.optional().describe('PEM of the private key of the client certificate'),
  })
  .superRefine((t, ctx) => {
    if ((t.cert === undefined) === (t.key === undefined)) return
    const [given, absent] = t.cert === undefined ? ['key', 'cert'] : ['cert', 'key']
    ctx.addIssue({
      code: 'custom',
      path: [given!],
      message: `${given} without ${absent}`,
      params: { hint: `add ${absent}: a client certificate needs both` },
    })
  })

/** Which batch goes first. */
export const ORDERS = ['fresh_first', 'oldest_first'] as const

/** One receiver of sealed batches: an entry of `pools`, whose key is the id of the pool. */
export const poolSchema = z
  .strictObject({
    url: poolUrl.optional().describe('address of the pool; or `dir`'),
    dir: z
      .string()
      .min(1)
      .optional()
      .describe('folder that takes the place of a pool at sites without a network, such as a USB medium; or `url`'),
    volume_size: byteSize({ min: '1MB' })
      .optional()
      .describe(
        'with `dir`: bytes after which the next batch goes into a new numbered subfolder, such as what fits on one medium; without it all lie in `dir`',
      ),
    policy: z.string().min(1).describe('path of the disclosure policy, relative to this file'),
    signing_key: secret.describe("the plant's account with the pool: one line, base64 of the 32-byte Ed25519 seed"),
    receipt_key: publicKey.optional().describe("the pool's public key, which its receipts are verified with"),
    tls: tls.optional().describe('certificates, where the defaults of the machine will not do'),
    timeout: duration({ min: '1s', max: '10m' })
      .default(60_000)
      .describe('longest time one batch may take, from connecting to the answer; what max_rate slows down is added'),
    order: z
      .enum(ORDERS)
      .default('fresh_first')
      .describe(
        'which of the sealed batches goes first. fresh_first: the newest, and every fourth time the oldest, so that a backlog drains beside it',
      ),
    proxy: proxy.optional().describe('HTTP proxy; those that the environment names are not used'),
    max_rate: byteSize({ min: '100B' }).optional().describe('bytes of batches a second at most'),
    window: window.optional().describe('time of the day in which batches are sent, such as "22:00-06:00"; needs zone'),
    daily_budget: byteSize({ min: '16KB' })
      .optional()
      .describe(
        'bytes sent a day at most, every attempt counted with its overhead; a batch larger than it goes alone; needs zone',
      ),
    zone: zone.optional().describe('time zone of window and daily_budget'),
  })
  .superRefine((pool, ctx) => {
    const issue = (path: readonly string[], message: string, hint: string): void =>
      ctx.addIssue({ code: 'custom', path: [...path], message, params: { hint } })
    if (pool.url === undefined && pool.dir === undefined)
      issue([], 'the pool has neither url nor dir', 'add `url: https://…`, or `dir: /path` for a folder')
    if (pool.url !== undefined && pool.dir !== undefined)
      issue(['dir'], 'the pool has both url and dir', 'keep one of them; two receivers are two pools')
    if (pool.url !== undefined && pool.receipt_key === undefined)
      issue(
        ['url'],
        'receipt_key is missing',
        'add the pool\'s public key, `receipt_key: "ed25519:…"`: without it no receipt can be trusted',
      )
    if (pool.url === undefined && pool.dir !== undefined && pool.receipt_key !== undefined)
      issue(['receipt_key'], 'a folder gives no receipts', 'remove receipt_key')
    if (pool.dir === undefined && pool.volume_size !== undefined)
      issue(['volume_size'], 'only a folder has volumes', 'remove volume_size, or write `dir: /path`')
    for (const key of ['proxy', 'max_rate', 'window', 'daily_budget'] as const)
      if (pool.url === undefined && pool[key] !== undefined)
        issue([key], `a folder needs no ${key}`, `remove ${key}, or write \`url: https://…\``)
    const timed = (['window', 'daily_budget'] as const).find((key) => pool[key] !== undefined)
    if (timed && pool.zone === undefined)
      issue([timed], 'zone is missing', "add the zone of the plant's clocks, such as `zone: Asia/Seoul`")
    if (!timed && pool.zone !== undefined)
      issue(['zone'], 'zone without window and daily_budget', 'remove it: nothing else goes by the time of the day')
    if (pool.tls !== undefined && !pool.url?.startsWith('https:'))
      issue(['tls'], 'tls needs an https:// url', 'write `url: https://…`, or remove tls')
  })

export type PoolConfig = z.infer<typeof poolSchema>
