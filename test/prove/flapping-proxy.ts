import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP port before another one whose connections do not last. */
export interface FlappingProxy extends AsyncDisposable {
  readonly port: number
  /** connections made so far */
  readonly connections: number
  /** From now on connections last. */
  settle(): void
}

/** @param target port on the loopback interface
 * @param lifetime ms for which the next connection works; it ends by a RST, by a FIN, or refused at once */
export async function openFlappingProxy(
  target: number,
  lifetime: () => number,
  random: () => number,
): Promise<FlappingProxy> {
  const sockets = new Set<Socket>()
  const timers = new Set<NodeJS.Timeout>()
  let connections = 0
  let flapping = true

  function tie(from: Socket, to: Socket): void {
    sockets.add(from)
    from.on('data', (chunk) => void (to.writable && to.write(chunk)))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }

  const server = createServer({ noDelay: true }, (near) => {
    connections++
    const end = (): void => {
      if (random() < 0.5) near.resetAndDestroy()
      else near.destroy()
    }
    if (flapping && random() < 0.1) return end()
    const far = connect({ host: '127.0.0.1', port: target, noDelay: true })
    tie(near, far)
    tie(far, near)
    if (!flapping) return
    const timer = setTimeout(end, lifetime())
    timers.add(timer)
    near.on('close', () => {
      clearTimeout(timer)
      timers.delete(timer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    settle() {
      flapping = false
      for (const timer of timers) clearTimeout(timer)
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
