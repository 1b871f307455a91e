import { z } from 'zod'
import { modbusSourceSchema } from '../adapters/modbus/schema.ts'
import { mqttSourceSchema } from '../adapters/mqtt/schema.ts'
import { bufferSchema } from '../buffer/schema.ts'
import { duration, name } from '../core/option.ts'
import { poolSchema } from '../uplink/schema.ts'

/** `gateway`: this installation. */
export const gatewaySchema = z
  .strictObject({
    name: name.describe('name of this gateway; it never leaves the plant'),
    data_dir: z.string().min(1).describe('folder for the database; survives restarts, one agent a folder'),
  })
  .describe('this installation')

/** `clock`: when the wall clock counts as right. */
export const clockSchema = z
  .strictObject({
    trust: z
      .enum(['system', 'ntp'])
      .default('system')
      .describe(
        'system: a clock that does not step is right; ntp: only one that the kernel said follows a time server, and that has not stepped since, which machines without a clock battery need',
      ),
    max_skew: duration({ min: '1s', max: '1d' })
      .default(300_000)
      .describe(
        'readings further in the future, and clock steps larger than this, are not trusted; a new time that is kept for ten minutes is, unless it is more than a day ahead: then a time server or `sluice clock trust` must stand by it',
      ),
  })
  .prefault({})
  .describe('when the wall clock counts as right')

/** `control`: how commands reach a running agent. */
export const controlSchema = z
  .strictObject({
    socket: z.string().min(1).optional().describe('path of the Unix socket; sluice.sock in data_dir where absent'),
  })
  .prefault({})
  .describe('how `sluice status` and `probe` reach a running agent')

/** `audit`: the transparency log. */
export const auditSchema = z
  .strictObject({
    checkpoints: z
      .string()
      .min(1)
      .optional()
      .describe(
        'folder for copies of its signed checkpoints, such as a medium or a share that others keep; a cut or rewritten log is found out only by copies elsewhere. It is never made: while it is absent nothing else stops',
      ),
    every: duration({ min: '1m', max: '1d' })
      .default(3_600_000)
      .describe('how often a checkpoint is signed, where the log has grown; another one at each stop'),
  })
  .prefault({})
  .describe('the transparency log: what was sealed, delivered, refused, dropped and withdrawn')

/** One entry of `sources`. A new adapter is one more line here. */
export const sourceSchema = z.discriminatedUnion('kind', [modbusSourceSchema, mqttSourceSchema])

/** The configuration file as a whole; `loadConfig` checks it part by part, so that one bad part spares the others. */
export const configSchema = z.strictObject({
  version: z.literal(1).describe('version of this grammar'),
  gateway: gatewaySchema,
  clock: clockSchema,
  sources: z.record(name, sourceSchema).default({}).describe('connections to PLCs and brokers, by name'),
  buffer: bufferSchema.describe('the store on this machine'),
  pools: z.record(name, poolSchema).default({}).describe('receivers of sealed batches, by id'),
  audit: auditSchema,
  control: controlSchema,
})

export type GatewayConfig = z.infer<typeof gatewaySchema>
export type ClockConfig = z.infer<typeof clockSchema>
export type AuditConfig = z.infer<typeof auditSchema>
export type ControlConfig = z.infer<typeof controlSchema>
export type SourceConfig = z.infer<typeof sourceSchema>
