import { z } from 'zod'
import { duration, name } from '../../core/option.ts'
import { deadbandSchema } from './deadband.ts'
import { deviceSchema } from './device-schema.ts'
import { byteOrder, period } from './signal-schema.ts'
import { checkTransport, transportShape } from './transport-schema.ts'

/** One Modbus connection: `sources.<name>` with `kind: modbus`. */
export const modbusSourceSchema = z
  .strictObject({
    kind: z.literal('modbus'),
    ...transportShape,
    timeout: duration({ min: '10ms', max: '1m' })
      .default(1_000)
      .describe(
        'longest wait for a connection and for each answer; on a serial line the time of the frames comes on top',
      ),
    min_gap: duration({ max: '10s' }).default(0).describe('pause between an answer and the next request'),
    max_in_flight: z
      .number()
      .int()
      .min(1)
      .max(4)
      .default(1)
      .describe('requests that may be open at once; many PLCs take only 1, and so does an RTU line'),
    max_requests_per_s: z
      .number()
      .positive()
      .max(100_000)
      .optional()
      .describe('upper bound of the request rate; none where absent'),
    max_gap: z
      .number()
      .int()
      .min(0)
      .max(124)
      .optional()
      .describe(
        'unused registers (or bits) between two signals that may be read to save a request; as many as pay by `cost` where absent, 0 where reading may clear them',
      ),
    cost: z
      .strictObject({
        request: duration({ min: '0.01ms', max: '10s' }).optional().describe('of a request, whatever it reads'),
        register: duration({ max: '1s' }).optional().describe('of each register on top; a bit costs a sixteenth'),
      })
      .optional()
      .describe(
        'time that reading takes, by which the cheapest requests are chosen; follows from the transport where absent, `sluice probe SOURCE --cost` measures it',
      ),
    period: period.default(1_000).describe('time between two reads; devices and signals may have their own'),
    byte_order: byteOrder
      .default('ABCD')
      .describe('order of the bytes of a value; devices and signals may have their own'),
    deadband: deadbandSchema
      .optional()
      .describe('changes too small to be kept; devices and signals may have their own'),
    devices: z
      .record(name, deviceSchema)
      .refine((d) => Object.keys(d).length > 0, {
        error: 'the source has no devices',
        params: { hint: 'add one under `devices`' },
      })
      .describe('devices behind this connection, by name'),
  })
  .superRefine(checkTransport)

export type ModbusSourceConfig = z.infer<typeof modbusSourceSchema>
export type ModbusDeviceConfig = ModbusSourceConfig['devices'][string]
export type ModbusSignalConfig = ModbusDeviceConfig['signals'][string]
