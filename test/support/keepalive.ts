import { readFileSync } from 'node:fs'

const ESTABLISHED = '01'
const KEEPALIVE = '02'

/**
 * ms until the kernel asks the other side of our connection to this port whether it is still there (proc_net_tcp(5): `tr`
 * and `tm->when`, in hundredths of a second); undefined where it will not. Linux alone.
 */
export function keepaliveOf(port: number): number | undefined {
  const to = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const [, , , , , timer = ''] =
    readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, , remote, state]) => remote?.endsWith(to) && state === ESTABLISHED) ?? []
  const [kind, when = ''] = timer.split(':')
  return kind === KEEPALIVE ? Number.parseInt(when, 16) * 10 : undefined
}
