import { SUNSPEC } from '../adapters/modbus/device-schema.ts'
import { nearest } from './nearest.ts'
import type { KeyProblem, LocatedProblem } from './problem.ts'
import { type Profile, type ProfileResult, readProfile } from './profiles.ts'
import type { Prepared } from './read.ts'
import { isRecord, withValueAt } from './schema-walk.ts'

/** A configuration with the signals of all profiles in place. */
export interface Expanded {
  readonly prepared: Prepared
  /** what is wrong where profiles are named */
  readonly problems: readonly KeyProblem[]
  /** what is wrong in the profiles' own files */
  readonly elsewhere: readonly LocatedProblem[]
  /** sources that name a profile which cannot be used, and the first thing that is wrong with it */
  readonly spoilt: ReadonlyMap<string, readonly LocatedProblem[]>
}

/** Where a signal lies; an own address replaces the profile's, in whichever of these it is written. */
const ADDRESS_KEYS = ['holding', 'input', 'coil', 'discrete', 'reference']

type Options = Readonly<Record<string, unknown>>

/**
 * Puts the signals and options of each named profile into its device, beside what the device says itself, which comes
 * first. Opens the profiles' files. The result is checked like a configuration without profiles.
 */
export function expandProfiles(prepared: Prepared): Expanded {
  const problems: KeyProblem[] = []
  const files = new Map<string, ProfileResult>()
  const spoilt = new Map<string, readonly LocatedProblem[]>()
  let value = prepared.value
  for (const { source, path, device } of devicesWithProfile(value)) {
    const named = device.profile
    if (named === SUNSPEC) {
      if (device.only !== undefined)
        problems.push({ path: [...path, 'only'], at: 'key', message: '`only` beside `profile: sunspec`', hint: LATER })
      continue
    }
    const read = files.get(named) ?? readProfile(named, prepared.document.file)
    files.set(named, read)
    const profile = read.kind === 'ok' ? read.profile : undefined
    if (read.kind === 'bad') spoilt.set(source, [...(spoilt.get(source) ?? []), ...read.problems])
    if (read.kind === 'absent') problems.push({ path: [...path, 'profile'], message: read.message, hint: read.hint })
    const merged = mergeDevice(device, profile, path)
    problems.push(...merged.problems)
    value = withValueAt(value, path, merged.device)
  }
  const bad = [...files.values()].flatMap((read) => (read.kind === 'bad' ? read.problems : []))
  return { prepared: { ...prepared, value }, problems, elsewhere: bad, spoilt }
}

const LATER = 'leave it out: `sluice probe` shows the signals, and you paste those you want'

interface Named {
  readonly source: string
  readonly path: readonly string[]
  readonly device: Options & { readonly profile: string }
}

function devicesWithProfile(root: unknown): readonly Named[] {
  const sources = isRecord(root) && isRecord(root.sources) ? Object.entries(root.sources) : []
  return sources.flatMap(([source, s]) =>
    isRecord(s) && s.kind === 'modbus' && isRecord(s.devices)
      ? Object.entries(s.devices).flatMap(([name, device]): readonly Named[] =>
          hasProfile(device) ? [{ source, path: ['sources', source, 'devices', name], device }] : [],
        )
      : [],
  )
}

function hasProfile(device: unknown): device is Named['device'] {
  return isRecord(device) && typeof device.profile === 'string' && device.profile !== ''
}

function mergeDevice(
  device: Options,
  profile: Profile | undefined,
  path: readonly string[],
): { readonly device: Options; readonly problems: readonly KeyProblem[] } {
  const own = device.signals ?? {}
  if (!isRecord(own)) return { device, problems: [] } // its schema says so
  const known = Object.keys(profile?.signals ?? {})
  const problems: KeyProblem[] = []
  const chosen = chooseSignals(device.only, known, (i, wrong) => {
    if (profile) problems.push({ path: [...path, 'only', i], ...noSignal(wrong, known) })
  })
  const signals: Record<string, unknown> = {}
  for (const id of chosen) signals[id] = profile?.signals[id]
  for (const [id, options] of Object.entries(own)) {
    const theirs = known.find((name) => name.normalize('NFC') === id.normalize('NFC'))
    const base = theirs === undefined ? undefined : profile?.signals[theirs]
    if (theirs !== undefined && theirs !== id) delete signals[theirs]
    if (base === undefined && isRecord(options) && !hasAddress(options)) {
      // Without its profile nobody knows what it would replace.
      if (profile) problems.push({ path: [...path, 'signals', id], at: 'key', ...noSignal(id, known) })
    } else signals[id] = isRecord(base) && isRecord(options) ? mergeSignal(base, options) : options
  }
  return { device: { ...profile?.device, ...device, signals }, problems }
}

function chooseSignals(
  only: unknown,
  known: readonly string[],
  wrong: (index: number, name: string) => void,
): readonly string[] {
  if (!Array.isArray(only)) return known
  return only.flatMap((name, i) => {
    if (typeof name !== 'string') return [] // its schema says so
    if (known.includes(name)) return [name]
    wrong(i, name)
    return []
  })
}

function mergeSignal(base: Options, own: Options): Options {
  if (!hasAddress(own)) return { ...base, ...own }
  const rest = Object.entries(base).filter(([key]) => !ADDRESS_KEYS.includes(key))
  return { ...Object.fromEntries(rest), ...own }
}

function hasAddress(options: Options): boolean {
  return ADDRESS_KEYS.some((key) => options[key] !== undefined)
}

function noSignal(name: string, known: readonly string[]): { readonly message: string; readonly hint: string } {
  const meant = nearest(name, known)
  return {
    message: `the profile has no signal "${name}"`,
    hint: meant ? `did you mean "${meant}"?` : `it has: ${known.join(', ')}; one of your own needs an address`,
  }
}
