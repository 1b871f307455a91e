import { formatDuration } from '../../core/option.ts'
import type { Problem } from '../../core/problem.ts'
import { isBitTable } from './address.ts'
import type { Place, ReadLimits, Span } from './read-set.ts'

/** What of a device's options can only be judged with all its signals at hand. */
export interface DeviceOptions {
  /** `forbidden` of the device */
  readonly forbidden: readonly Span[]
  /** `together` of the device: names of signals */
  readonly together: readonly (readonly string[])[]
  readonly limits: ReadLimits
  readonly signals: ReadonlyMap<string, Place & { readonly period: number }>
}

/** Problems of forbidden ranges and groups; paths start at the device. Pure. */
export function deviceProblems(device: DeviceOptions): readonly Problem[] {
  return [...device.forbidden.flatMap((range, i) => rangeProblems(device, range, i)), ...groupsProblems(device)]
}

/** Warnings of devices with the unit id of another one on their connection; paths start at the source. Pure. */
export function sharedUnits(devices: Readonly<Record<string, { readonly unit_id: number }>>): readonly Problem[] {
  const first = new Map<number, string>()
  return Object.entries(devices).flatMap(([device, { unit_id }]): readonly Problem[] => {
    const other = first.get(unit_id)
    if (other === undefined) {
      first.set(unit_id, device)
      return []
    }
    return [
      {
        path: ['devices', device, 'unit_id'],
        message: `device ${other} has unit id ${unit_id} too: they are polled apart, each by requests of its own`,
        hint: 'correct it, or put the signals under one device, which takes fewer requests; where one unit feeds two assets, leave it',
      },
    ]
  })
}

function rangeProblems(device: DeviceOptions, range: Span, i: number): readonly Problem[] {
  const path = ['forbidden', i]
  if (range.to <= range.from)
    return [{ path, message: `\`to\` lies before \`from\``, hint: 'write the first and the last address of the range' }]
  const inside = [...device.signals].find(([, s]) => touches(s, range))
  if (!inside) return []
  return [
    {
      path,
      message: `signal ${inside[0]} lies in the forbidden ${spanText(range)}`,
      hint: 'leave the signal out, or make the range smaller',
    },
  ]
}

function groupsProblems(device: DeviceOptions): readonly Problem[] {
  const taken = new Set<string>()
  return device.together.flatMap((names, i): readonly Problem[] => {
    const path = ['together', i]
    const unknown = names.findIndex((name) => !device.signals.has(name))
    if (unknown >= 0)
      return [
        {
          path: [...path, unknown],
          message: `the device has no signal "${names[unknown]}"`,
          hint: `it has: ${[...device.signals.keys()].join(', ')}`,
        },
      ]
    const doubled = names.findIndex((name, k) => taken.has(name) || names.indexOf(name) < k)
    if (doubled >= 0)
      return [
        {
          path: [...path, doubled],
          message: `signal ${names[doubled]} stands twice in the groups`,
          hint: 'name it once; where both groups must come from one response, make them one',
        },
      ]
    for (const name of names) taken.add(name)
    return groupProblem(device, names).map(([message, hint]) => ({ path, message, hint }))
  })
}

/** Why these signals cannot come from one response: at most one message and its hint. */
function groupProblem(device: DeviceOptions, names: readonly string[]): readonly (readonly [string, string])[] {
  const { limits } = device
  const group = names.map((name) => device.signals.get(name)!)
  const { table, period } = group[0]!
  const stranger = names.find((_, k) => group[k]!.table !== table)
  if (stranger !== undefined)
    return [[`${names[0]} and ${stranger} lie in different tables`, 'one response brings one table: leave one out']]
  const other = group.findIndex((s) => s.period !== period)
  if (other >= 0)
    return [
      [
        `${names[0]} is read every ${formatDuration(period)}, ${names[other]} every ${formatDuration(group[other]!.period)}`,
        'give the signals of a group the same period',
      ],
    ]
  const from = Math.min(...group.map((s) => s.address))
  const span = { table, from, to: Math.max(...group.map((s) => s.address + s.size)) }
  const unit = isBitTable(table) ? 'bits' : 'registers'
  const key = isBitTable(table) ? 'max_bits' : 'max_registers'
  if (span.to - span.from > limits[key])
    return [
      [
        `${spanText(span)} are ${span.to - span.from} ${unit}, more than the device answers at once (${key} ${limits[key]})`,
        'no one response can bring them: split the group',
      ],
    ]
  const forbidden = device.forbidden.find((range) => range.table === table && range.from < span.to && range.to > from)
  if (forbidden)
    return [[`${spanText(span)} holds the forbidden ${spanText(forbidden)}`, 'split the group, or allow the range']]
  const hole = widestHole(
    [...device.signals.values()].filter((s) => s.period === period && touches(s, span)),
    span,
  )
  if (limits.max_gap !== undefined && hole > limits.max_gap)
    return [
      [
        `${spanText(span)} has ${hole} unused ${unit} in a row (max_gap ${limits.max_gap})`,
        'split the group, or raise `max_gap` where reading unused registers does no harm',
      ],
    ]
  return []
}

function widestHole(places: readonly Place[], span: Span): number {
  let [widest, reached] = [0, span.from]
  for (const { address, size } of places.toSorted((a, b) => a.address - b.address)) {
    widest = Math.max(widest, address - reached)
    reached = Math.max(reached, address + size)
  }
  return widest
}

function touches(place: Place, span: Span): boolean {
  return place.table === span.table && place.address < span.to && place.address + place.size > span.from
}

/** `holding 40–49`. */
export function spanText({ table, from, to }: Span): string {
  return to - from === 1 ? `${table} ${from}` : `${table} ${from}–${to - 1}`
}
