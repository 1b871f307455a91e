import type { ClockState } from '../daemon/clock-sense.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import { type CommonOptions, EXIT_FAILED, formatTime, loadWithGateway, printJson } from './common.ts'

/**
 * `sluice clock`: whether the running agent trusts the machine's clock. `sluice clock trust`: a person says that it is right,
 * where a step is too large to be believed and no time server stands by it.
 */
export async function clock(act: 'show' | 'trust', options: CommonOptions): Promise<void> {
  const loaded = loadWithGateway(options.config)
  if (!loaded) return
  const socket = socketPath(loaded.gateway.data_dir, loaded.control?.socket)
  const state = (await askAgent(socket, 'clock', act === 'trust' ? 'trust' : '')) as ClockState
  if (act === 'trust' && !state.trusted) process.exitCode = EXIT_FAILED
  if (options.json) printJson(state)
  else console.log(renderClock(state))
}

/** The state in words, for a person. */
export function renderClock({ now, trusted, doubt }: ClockState): string {
  const says = `the clock says ${formatTime(now)} and is `
  if (trusted) return `${says}trusted`
  return `${says}NOT trusted: ${doubt}\nreadings are kept and nothing is sealed; set the clock, or if it is right: sluice clock trust`
}
