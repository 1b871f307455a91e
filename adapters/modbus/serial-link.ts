import { Fault, type FaultCode } from '../../core/fault.ts'
import type { Link, LinkContext, SerialLine } from './link.ts'

/** What the operating system says when a device cannot be opened, and what it means. */
const OPENING: readonly (readonly [RegExp, FaultCode, string])[] = [
  [/no such file|no such device|not a directory/i, 'serial-absent', 'there is no such serial device'],
  [/inappropriate ioctl|is a directory/i, 'serial-absent', 'this is not a serial device'],
  [/permission denied|not permitted/i, 'serial-rights', 'the agent may not open this serial device'],
  [/lock|busy|temporarily unavailable/i, 'serial-busy', 'another program uses this serial device'],
]

/**
 * Opens a serial device for this agent alone. The library and its native part are loaded now, not before.
 * @throws Fault serial-absent | serial-rights | serial-busy | source-unreachable
 */
export async function openSerialLink(line: SerialLine, context: LinkContext): Promise<Link> {
  const { where, events, timeout } = context
  const { SerialPort } = await import('serialport')
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>()
  const port = new SerialPort({
    path: line.serial_device,
    baudRate: line.baud_rate,
    parity: line.parity,
    stopBits: line.stop_bits,
    dataBits: line.data_bits,
    lock: true,
    autoOpen: false,
  })
  let open = true
  const end = (message: string, cause?: unknown): void => {
    if (!open) return
    open = false
    close()
    events.lost(new Fault('source-closed', where, message, { cause }))
  }
  const close = (): void => {
    open = false
    // Closing may fail where the device is gone already; there is nothing left to do about it.
    if (port.isOpen) port.close(() => undefined)
  }
  port.on('error', (error) => end(`serial device lost: ${error.message}`, error))
  port.on('close', (error?: Error) => end('the serial device is gone: was its adapter unplugged?', error))
  port.on('data', (chunk: Buffer) => {
    if (open) events.received(chunk)
  })
  const deadline = setTimeout(
    () => reject(new Fault('source-unreachable', where, `the serial device did not open within ${timeout} ms`)),
    timeout,
  )
  port.open((error) => {
    if (error) reject(faultOfOpening(error.message, context))
    else if (open) resolve()
    else close() // too late, it was given up
  })
  try {
    await opened
    await discard(port)
  } catch (error) {
    close()
    throw error
  } finally {
    clearTimeout(deadline)
  }
  return { send: (bytes) => void port.write(bytes), close }
}

/** What came in before anything was asked answers nothing; a device that cannot flush, such as a pty, has its bytes dropped later. */
function discard(port: { flush(done: () => void): void }): Promise<void> {
  return new Promise((resolve) => port.flush(() => resolve()))
}

/** The fault behind what the library says when opening fails: `Error REASON Cannot open PATH`. */
export function faultOfOpening(said: string, { where }: Pick<LinkContext, 'where'>): Fault {
  const reason = said.replace(/^Error:? ?/, '').replace(/,? cannot (open|lock).*$/i, '')
  const [, code, message] = OPENING.find(([pattern]) => pattern.test(reason)) ?? []
  if (code === undefined || message === undefined)
    return new Fault('source-unreachable', where, `cannot open the serial device: ${reason}`)
  return new Fault(code, where, message)
}
