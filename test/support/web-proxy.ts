import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** An HTTP proxy on the loopback interface: tunnels by CONNECT, and requests in absolute form. */
export interface WebProxy extends AsyncDisposable {
  readonly url: string
  /** `CONNECT host:port` or `PUT http://…` of each request it let through */
  readonly passed: readonly string[]
  /** bytes that went through, both ways, as they were on the wire to the client */
  readonly bytes: number
}

/**
 * @param act what it does with a request: lets it pass, answers with a status, or says nothing
 * @param credentials `user:password` that it asks for
 */
export async function openWebProxy(act: 'pass' | 'silent' | number = 'pass', credentials?: string): Promise<WebProxy> {
  const passed: string[] = []
  const sockets = new Set<Socket>()
  let bytes = 0
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
  const verdict = (authorization: string | undefined): typeof act =>
    wanted !== undefined && authorization !== wanted ? 407 : act

  const server = createServer((near, answer) => {
    const does = verdict(near.headers['proxy-authorization'])
    if (does === 'silent') return
    if (typeof does === 'number') return answer.writeHead(does).end()
    passed.push(`${near.method} ${near.url}`)
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = near.headers
    const far = request(near.url!, { method: near.method, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    near.pipe(far)
  })
  server.on('connect', (asked, near: Socket) => {
    const does = verdict(asked.headers['proxy-authorization'])
    if (does === 'silent') return
    if (typeof does === 'number') return void near.end(`HTTP/1.1 ${does} No\r\nContent-Length: 0\r\n\r\n`)
    passed.push(`CONNECT ${asked.url}`)
    const [host, port] = asked.url!.split(':')
    const far = connect(Number(port), host, () => near.write('HTTP/1.1 200 OK\r\n\r\n'))
    near.on('data', (chunk) => void far.write(chunk))
    far.on('data', (chunk) => void near.write(chunk))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      bytes += socket.bytesRead + socket.bytesWritten
      sockets.delete(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    get bytes() {
      return [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, bytes)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
