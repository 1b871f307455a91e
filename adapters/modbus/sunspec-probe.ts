import { Fault } from '../../core/fault.ts'
import type { ProbeReading } from '../source.ts'
import type { ModbusClient } from './client.ts'
import { planModbusSource } from './plan.ts'
import { probeModbus } from './probe.ts'
import { signalLine } from './profile-text.ts'
import type { ModbusSourceConfig } from './schema.ts'
import { signalSchema } from './signal-schema.ts'
import { BASES, identityOf, proposeSignals, type SunSpecWalk, walkSunSpec } from './sunspec.ts'
import { modelName } from './sunspec-models.ts'

/**
 * Finds the models of a device with `profile: sunspec` and reads the signals they propose, once. Each reading carries the
 * line that would configure it. Only `sluice probe` comes here: what runs reads what is configured.
 * Rejects only with the reason of `stop`.
 */
export async function probeSunSpec(
  source: string,
  config: ModbusSourceConfig,
  device: string,
  client: ModbusClient,
  stop: AbortSignal,
): Promise<readonly ProbeReading[]> {
  const d = config.devices[device]!
  const line = (signal: string, told: Partial<ProbeReading>): ProbeReading => {
    const asset = d.asset ?? device
    return { source, device, asset, signal, unit: null, value: null, quality: 'good', reason: '', raw: null, ...told }
  }
  const missing = (reason: string): ProbeReading => line('sunspec', { quality: 'bad', reason })

  const skipped = new Set<string>()
  let walk: SunSpecWalk
  try {
    walk = await walkSunSpec(async (address, quantity): Promise<Buffer | 'refused' | 'silent'> => {
      const last = address + quantity - 1
      const forbidden = d.forbidden.find((f) => f.table === 'holding' && f.from <= last && address <= f.to)
      if (forbidden) {
        skipped.add(`holding ${forbidden.from}–${forbidden.to} is forbidden and was not asked for`)
        return 'refused'
      }
      const answer = await client.read({ unit_id: d.unit_id, table: 'holding', address, quantity, guess: true }, stop)
      if (answer.kind === 'timeout') return 'silent'
      return answer.kind === 'data' ? answer.data : 'refused'
    }, d.max_registers)
  } catch (error) {
    if (stop.aborted || !(error instanceof Fault)) throw error
    return [missing(error.code)]
  }
  const unasked = [...skipped].map(missing)
  if (walk.kind === 'none') {
    const { silent } = walk
    if (silent.length === BASES.length) return [missing('source-timeout')]
    const unanswered = silent.length > 0 ? `, no answer at ${silent.join(', ')}` : ''
    return [missing(`no SunSpec marker at ${BASES.join(', ')}${unanswered}`), ...unasked]
  }

  const models = walk.models.map((model) =>
    line(`sunspec ${model.id}`, {
      value: (model.id === 1 && identityOf(model)) || (modelName(model.id) ?? 'not read here'),
      raw: `${model.address}+${model.length + 2}`,
    }),
  )
  if (walk.end === 'open') models.push(missing('the list of models has no end'))
  if (walk.end === 'silent') models.push(missing('source-timeout'))
  const proposed = proposeSignals(walk.models)
  const signals = Object.fromEntries(Object.entries(proposed).map(([name, s]) => [name, signalSchema.parse(s)]))
  // The whole models were readable just now, scale factors between the points included.
  const plan = planModbusSource(source, { ...config, max_gap: 16, devices: { [device]: { ...d, signals } } })
  const readings = await probeModbus(source, plan, client, stop)
  return [...models, ...unasked, ...readings.map((r) => ({ ...r, propose: signalLine(r.signal, proposed[r.signal]) }))]
}
