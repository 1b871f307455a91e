import { ErrorWithReasonCode } from 'mqtt'
import { expect, it } from 'vitest'
import { faultOfDisconnect, faultOfError } from './link-fault.ts'

const withCode = (code: string, message = code) => Object.assign(new Error(message), { code })
const refused = (code: number) => new ErrorWithReasonCode('Connection refused: x', code)

it.each([
  [refused(1), 'source-protocol', /does not speak MQTT 5/],
  [refused(132), 'source-protocol', /version/],
  [refused(4), 'source-auth', /password/],
  [refused(134), 'source-auth', /password/],
  [refused(135), 'source-auth', /authorise/],
  [refused(136), 'source-refused', /unavailable/],
  [refused(200), 'source-refused', /code 200/],
  [withCode('ECONNREFUSED'), 'source-refused', /nothing listens/],
  [new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]), 'source-refused', /nothing listens/],
  [withCode('ENOTFOUND'), 'source-unreachable', /host name/],
  [withCode('EHOSTUNREACH'), 'source-unreachable', /reached/],
  [withCode('ECONNRESET'), 'source-closed', /reset/],
  [withCode('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate'), 'source-tls', /self-signed/],
  [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'source-tls', /./],
  [withCode('CERT_HAS_EXPIRED'), 'source-tls', /./],
  [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), 'source-tls', /./],
  [withCode('ERR_OSSL_PEM_NO_START_LINE'), 'source-tls', /./],
  [new Error('connack timeout'), 'source-timeout', /in time/],
  [new Error('Keepalive timeout'), 'source-timeout', /silent/],
  [new Error('Malformed packet'), 'source-protocol', /Malformed/],
  ['text', 'source-protocol', /text/],
])('%s is %s', (error, code, message) => {
  const fault = faultOfError(error, { source: 'mqtt' })
  expect(fault.code).toBe(code)
  expect(fault.message).toMatch(message)
  expect(fault.where).toEqual({ source: 'mqtt' })
})

it.each([
  [0x8e, 'mqtt-takeover'],
  [0x87, 'source-auth'],
  [0x8b, 'source-closed'],
  [undefined, 'source-closed'],
])('a DISCONNECT with code %s is %s', (reason, code) => {
  expect(faultOfDisconnect(reason, {}).code).toBe(code)
})
