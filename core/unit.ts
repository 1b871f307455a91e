import ucum from '@atomic-ehr/ucum'

/** What people write for a UCUM code: vendors' manuals, Korean and Japanese editors, common sense. */
const WRITTEN_FOR: Readonly<Record<string, string>> = {
  '℃': 'Cel',
  '°C': 'Cel',
  C: 'Cel',
  degC: 'Cel',
  celsius: 'Cel',
  '℉': '[degF]',
  '°F': '[degF]',
  F: '[degF]',
  '°': 'deg',
  '％': '%',
  percent: '%',
  rpm: '/min',
  RPM: '/min',
  'r/min': '/min',
  psi: '[psi]',
  PSI: '[psi]',
  개: '{count}',
  個: '{count}',
  ea: '{count}',
  EA: '{count}',
  pcs: '{count}',
  count: '{count}',
  sec: 's',
  초: 's',
  秒: 's',
  hr: 'h',
  분: 'min',
  分: 'min',
  Bar: 'bar',
  KPa: 'kPa',
  Kpa: 'kPa',
  Mpa: 'MPa',
  '㎜': 'mm',
  '㎜/s': 'mm/s',
  '㎏': 'kg',
  '㎾': 'kW',
  µm: 'um',
  μm: 'um',
  kWh: 'kW.h',
  KWh: 'kW.h',
  Wh: 'W.h',
  VA: 'V.A',
  kVA: 'kV.A',
  var: 'V.A{reactive}',
  kvar: 'kV.A{reactive}',
  'm³/h': 'm3/h',
  'm/s²': 'm/s2',
  'm/s^2': 'm/s2',
  'Nm³/h': 'm3/h',
  N·m: 'N.m',
  Nm: 'N.m',
  g: 'g',
  G: '[g]',
  none: '1',
  '-': '1',
}

/** What is wrong with a unit, or undefined for a valid UCUM code (https://ucum.org, case sensitive). */
export function unitProblem(code: string): { readonly message: string; readonly hint: string } | undefined {
  if (isUnit(code)) return undefined
  const meant = ucumOf(code)
  return {
    message: `unknown unit "${code}"`,
    hint: meant
      ? `write ${JSON.stringify(meant)} (UCUM)`
      : 'write a UCUM code such as Cel, bar, mm/s, "%", /min, kW.h or "{count}"; "1" for a bare number',
  }
}

/** The UCUM code that people mean who write `℃`, `rpm` or `kWh`; undefined where nobody knows. */
export function ucumOf(written: string): string | undefined {
  return Object.hasOwn(WRITTEN_FOR, written) ? WRITTEN_FOR[written] : undefined
}

/** Whether it is a UCUM code. */
export function isUnit(code: string): boolean {
  try {
    return !(code in Object.prototype) && ucum.validate(code).valid // the library takes `toString` for a unit
  } catch {
    return false // the library throws on characters outside its alphabet
  }
}

/** How to convert: to = from × factor + offset; undefined where the dimensions differ. Both must be valid units. */
export function unitConversion(
  from: string,
  to: string,
): { readonly factor: number; readonly offset: number } | undefined {
  if (from === to) return { factor: 1, offset: 0 }
  try {
    // Every unit of measurement that is used for values here is linear, so two points give the line.
    const offset = ucum.convert(0, from, to)
    const far = ucum.convert(1000, from, to)
    const factor = (far - offset) / 1000
    const simple = Number(factor.toPrecision(15))
    return Number.isFinite(factor) ? { factor: simple, offset: Number(offset.toPrecision(15)) } : undefined
  } catch {
    return undefined // incompatible dimensions
  }
}
