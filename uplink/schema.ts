import { z } from 'zod'
import { duration, secret } from '../core/option.ts'
import { pemCertificate, pemKey } from '../core/pem.ts'
import { parsePublicKey } from './signature.ts'

const poolUrl = z.string().superRefine((text, ctx) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const issue = (message: string, hint: string): void => ctx.addIssue({ code: 'custom', message, params: { hint } })
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    issue(
      `"${text}" is not the address of a pool`,
      'write https://host or https://host:port, without the path of the interface',
    )
  else if (url.username !== '' || url.password !== '')
    issue('the address contains credentials', 'remove them: the signing key says who the plant is')
  else if (url.search !== '' || url.hash !== '')
    issue(`"${text}" has a query or fragment`, 'write the address alone, such as https://pool.example.org')
})

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

/** One receiver of sealed batches: an entry of `pools`, whose key is the id of the pool. */
export const poolSchema = z
  .strictObject({
    url: poolUrl.optional().describe('address of the pool; or `dir`'),
    dir: z
      .string()
      .min(1)
      .optional()
      .describe('folder that takes the place of a pool at sites without a network, such as a USB medium; or `url`'),
    policy: z.string().min(1).describe('path of the disclosure policy, relative to this file'),
    signing_key: secret.describe("the plant's account with the pool: one line, base64 of the 32-byte Ed25519 seed"),
    receipt_key: publicKey.optional().describe("the pool's public key, which its receipts are verified with"),
    tls: tls.optional().describe('certificates, where the defaults of the machine will not do'),
    timeout: duration({ min: '1s', max: '10m' })
      .default(60_000)
      .describe('longest time one batch may take, from connecting to the answer'),
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
    if (pool.tls !== undefined && !pool.url?.startsWith('https:'))
      issue(['tls'], 'tls needs an https:// url', 'write `url: https://…`, or remove tls')
  })

export type PoolConfig = z.infer<typeof poolSchema>
