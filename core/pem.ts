import { createPrivateKey, X509Certificate } from 'node:crypto'
import { secret } from './option.ts'

/** Certificates in PEM, one or several. */
export const pemCertificate = secret
  .refine(isCertificate, {
    error: 'what it holds is not a certificate in PEM',
    params: {
      hint: 'a PEM file begins with -----BEGIN CERTIFICATE-----; other forms are converted with `openssl x509`',
    },
  })
  .meta({ secret: true })

/** A private key in PEM, without a passphrase: nobody is there to type it when the gateway starts. */
export const pemKey = secret
  .superRefine((text, ctx) => {
    if (isPrivateKey(text)) return
    const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)
    ctx.addIssue({
      code: 'custom',
      message: isEncrypted ? 'the key is protected by a passphrase' : 'what it holds is not a private key in PEM',
      params: {
        hint: isEncrypted
          ? 'write it without one, readable by the agent alone: `openssl pkey -in old.key -out new.key`'
          : 'a PEM file begins with -----BEGIN PRIVATE KEY-----',
      },
    })
  })
  .meta({ secret: true })

function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text)
    return true
  } catch {
    return false
  }
}

function isPrivateKey(text: string): boolean {
  try {
    createPrivateKey(text)
    return true
  } catch {
    return false
  }
}
