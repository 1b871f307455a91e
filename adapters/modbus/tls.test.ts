import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { keepaliveOf } from '../../test/support/keepalive.ts'
import { PRIVATE_KEY } from '../../test/support/pem.ts'
import { openModbusSource } from './adapter.ts'
import { modbusSourceSchema } from './schema.ts'
import { openModbusSimulator } from './simulator.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)
if (!openssl && process.env.REQUIRE_SERVICES === '1')
  throw new Error('openssl is not installed (apt-get install openssl)')

describe.skipIf(!openssl)('Modbus/TCP Security', () => {
  type Pem = { readonly cert: string; readonly key: string }
  let pem: Record<'device' | 'gateway' | 'stranger', Pem>

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-modbus-tls-'))
    // Each is its own authority, which is all that is needed to tell them apart.
    const make = async (name: string): Promise<Pem> => {
      const at = (file: string): string => join(folder, `${name}-${file}`)
      const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
      await run('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', at('key.pem'), '-out', at('cert.pem')])
      return { cert: await readFile(at('cert.pem'), 'utf8'), key: await readFile(at('key.pem'), 'utf8') }
    }
    pem = { device: await make('device'), gateway: await make('gateway'), stranger: await make('stranger') }
    await rm(folder, { recursive: true })
  })

  /** A device that asks for our certificate: TLS in front of a simulator. Gives its port. */
  async function secured(options: TlsOptions = {}): Promise<number> {
    const simulator = await openModbusSimulator({ read: (_u, _t, address, n) => new Array(n).fill(address) })
    const server = createServer(
      { ...pem.device, ca: pem.gateway.cert, requestCert: true, rejectUnauthorized: true, ...options },
      (socket) => {
        const inside = connect(simulator.port, simulator.host)
        for (const end of [socket, inside]) end.on('error', () => end.destroy())
        socket.pipe(inside).pipe(socket)
      },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(async () => {
      server.close()
      await simulator[Symbol.asyncDispose]()
    })
    return (server.address() as AddressInfo).port
  }
  const open = (port: number, tls: object, options: object = {}) =>
    openModbusSource(
      modbusSourceSchema.parse({
        kind: 'modbus',
        transport: 'tls',
        host: '127.0.0.1',
        port,
        tls,
        devices: { plc: { signals: { x: { holding: 77 } } } },
        ...options,
      }),
      { name: 'line', clock: makeClock(20), log: silentLog, marks: async () => [] },
    )
  /** Fault of opening or, where the device looks at certificates only after that, of the first read. */
  async function refusal(port: number, tls: object): Promise<unknown> {
    try {
      await using source = await open(port, tls)
      return (await source.probe(never))[0]?.reason
    } catch (error) {
      return (error as { readonly code?: unknown }).code
    }
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('reads over %s with certificates of both sides', async (version) => {
    const port = await secured({ minVersion: version, maxVersion: version })
    await using source = await open(port, { ca: pem.device.cert, ...pem.gateway })
    expect((await source.probe(never)).map((l) => l.value)).toEqual([77])
  })

  it.skipIf(process.platform !== 'linux')('finds a half-open connection without a request', async () => {
    const port = await secured()
    await using source = await open(port, { ca: pem.device.cert, ...pem.gateway })
    await source.probe(never)
    await expect.poll(() => keepaliveOf(port)).toBeLessThanOrEqual(10_000)
  })

  it.each<[string, () => object, TlsOptions]>([
    ['a device of another authority', () => ({ ca: pem.stranger.cert, ...pem.gateway }), {}],
    ['a device without a public authority', () => pem.gateway, {}],
    ['a device of another name', () => ({ ca: pem.device.cert, ...pem.gateway, servername: 'other.plant' }), {}],
    ['a device that does not know our certificate', () => ({ ca: pem.device.cert, ...pem.stranger }), {}],
    [
      'a device that does not know our certificate, before TLS 1.3',
      () => ({ ca: pem.device.cert, ...pem.stranger }),
      { maxVersion: 'TLSv1.2' },
    ],
    [
      'a device of TLS 1.1',
      () => ({ ca: pem.device.cert, ...pem.gateway }),
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
    ],
    ['a key of another certificate', () => ({ ...pem.gateway, key: PRIVATE_KEY }), {}],
  ])('reads nothing with %s', async (_, tls, options) => {
    expect(await refusal(await secured(options), tls())).toBe('source-tls')
  })

  it('says that plain Modbus/TCP answers there', async () => {
    await using simulator = await openModbusSimulator({ read: () => [1] })
    await expect(
      open(simulator.port, { ca: pem.device.cert, ...pem.gateway }, { timeout: '200ms' }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^source-(tls|unreachable|closed)$/) })
  })
})
