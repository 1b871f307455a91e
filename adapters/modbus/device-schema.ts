import { z } from 'zod'
import { name } from '../../core/option.ts'
import { TABLES } from './address.ts'
import { deadbandSchema } from './deadband.ts'
import { address, byteOrder, period, signalSchema } from './signal-schema.ts'
import { registersOf } from './signal-type.ts'

const unitId = z.number().int().min(0).max(255)

/** The profile that stands for the models a SunSpec device lists itself; `sluice probe` turns it into signals. */
export const SUNSPEC = 'sunspec'

/** Options that follow from the device's kind, so that a profile may bring them; the device's own come first. */
const mapOptions = {
  period: period.optional().describe("time between two reads; the source's where absent"),
  byte_order: byteOrder.optional().describe("order of the bytes; the source's where absent"),
  deadband: deadbandSchema.optional().describe("changes too small to be kept; the source's where absent"),
  max_registers: z.number().int().min(1).max(125).default(125).describe('most registers the device answers at once'),
  max_bits: z
    .number()
    .int()
    .min(1)
    .max(2000)
    .default(2000)
    .describe('most coils or discrete inputs it answers at once'),
  forbidden: z
    .array(
      z.strictObject({
        table: z.enum(TABLES).describe('holding, input, coil or discrete'),
        from: address.describe('first address on the wire, from 0'),
        to: address.describe('last address of the range'),
      }),
    )
    .default([])
    .describe('ranges that no request may touch, such as `{ table: holding, from: 40, to: 49 }`'),
}

/** Options of one device; signals of its profile are already among `signals` when this is checked. */
export const deviceSchema = z
  .strictObject({
    unit_id: unitId.default(1).describe('unit id (slave address) of the device behind this connection'),
    asset: name.optional().describe("the machine or place it belongs to; the device's name where absent"),
    profile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'register map to take: a name of `sluice profile list`, the path of a file of your own, or `sunspec` to let `sluice probe` find it',
      ),
    only: z.array(z.string()).min(1).optional().describe('signals of the profile to take; all where absent'),
    ...mapOptions,
    together: z
      .array(z.array(z.string()).min(2, 'a group has at least two signals'))
      .default([])
      .describe('groups of signals whose values must come from one response, such as `[[total_high, total_low]]`'),
    signals: z
      .record(name, signalSchema)
      .default({})
      .describe("signals by name; beside a profile: more signals, or options that replace those of the profile's"),
  })
  .superRefine((d, ctx) => {
    if (Object.keys(d.signals).length === 0 && d.profile === undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['signals'],
        message: 'the device has no signals',
        params: { hint: 'add one, such as `temperature: { holding: 100 }`, or name a `profile`' },
      })
    if (d.only !== undefined && d.profile === undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['only'],
        message: '`only` without a `profile`',
        params: { hint: 'name the profile that it chooses from, or leave it out: all of `signals` are taken' },
      })
    tooLong(d, ctx)
  })

/** A file that describes one kind of device: `config/profiles/*.yaml`, and files of an operator's own. */
export const profileSchema = z
  .strictObject({
    about: z.string().min(1).describe('the devices it is for, in one line'),
    sources: z
      .array(
        z.strictObject({
          title: z.string().min(1).describe('title of the document, and the place in it'),
          revision: z.string().optional().describe('its number, revision or date'),
          url: z.string().optional().describe('where it can be read'),
        }),
      )
      .default([])
      .describe('documents that the map was taken from'),
    notes: z.string().optional().describe('what whoever uses it must know'),
    ...mapOptions,
    signals: z
      .record(name, signalSchema)
      .refine((signals) => Object.keys(signals).length > 0, { error: 'the profile has no signals' })
      .describe('signals by name, as under `sources.NAME.devices.NAME.signals`'),
  })
  .superRefine(tooLong)

interface Sized {
  readonly max_registers: number
  readonly signals: Readonly<Record<string, z.infer<typeof signalSchema>>>
}

function tooLong(d: Sized, ctx: z.core.$RefinementCtx): void {
  for (const [id, s] of Object.entries(d.signals)) {
    const size = registersOf(s.type, s.length)
    if (size > d.max_registers)
      ctx.addIssue({
        code: 'custom',
        path: ['signals', id, s.length === undefined ? 'type' : 'length'],
        message: `${size} registers are more than the device answers at once (max_registers ${d.max_registers})`,
        params: { hint: 'a signal is never split over two reads: raise `max_registers`, or shorten the signal' },
      })
  }
}
