import { connect, type Socket } from 'node:net'
import { Fault } from '../../core/fault.ts'
import type { Link, LinkContext } from './link.ts'

/** The faults behind what happens to a socket. */
export interface SocketFaults {
  opening(error: NodeJS.ErrnoException): Fault
  /** `answered`: the other side had sent something */
  lost(error: NodeJS.ErrnoException, answered: boolean): Fault
  /** The other side ended it. */
  closed(answered: boolean): Fault
}

/**
 * Connects to a Modbus/TCP server, or to a device server that passes RTU frames on.
 * @throws Fault source-unreachable | source-refused | source-closed
 */
export async function openTcpLink({ host, port }: { host: string; port: number }, context: LinkContext): Promise<Link> {
  const { where } = context
  // keepAlive: a device that vanished while nothing was asked of it is noticed too.
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
  return openSocket(socket, 'connect', context, {
    opening(error) {
      const code = error.code === 'ECONNREFUSED' ? 'source-refused' : 'source-unreachable'
      return new Fault(code, where, `cannot connect: ${error.code ?? error.message}`, { cause: error })
    },
    lost: (error) => new Fault('source-closed', where, `connection lost: ${error.message}`, { cause: error }),
    closed: () => new Fault('source-closed', where, 'the device closed the connection'),
  })
}

/** Waits for `ready` of a socket that is being opened and makes a link of it. */
export async function openSocket(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  { timeout, where, events }: LinkContext,
  faults: SocketFaults,
): Promise<Link> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const deadline = setTimeout(
    () => reject(new Fault('source-unreachable', where, `no connection within ${timeout} ms`)),
    timeout,
  )
  const refuse = (error: NodeJS.ErrnoException): void => reject(faults.opening(error))
  const shut = (): void => reject(faults.closed(false))
  socket.once(ready, resolve)
  socket.on('error', refuse)
  socket.on('close', shut)
  try {
    await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
  let open = true
  let answered = false
  const end = (fault: Fault): void => {
    if (!open) return
    open = false
    socket.destroy()
    events.lost(fault)
  }
  socket.on('error', (error) => end(faults.lost(error, answered)))
  socket.off('error', refuse)
  socket.off('close', shut)
  socket.on('data', (chunk) => {
    answered = true
    if (open) events.received(chunk)
  })
  socket.on('close', () => end(faults.closed(answered)))
  return {
    send: (bytes) => void socket.write(bytes),
    close() {
      open = false
      socket.destroy()
    },
  }
}
