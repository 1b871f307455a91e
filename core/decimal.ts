/** An exact decimal number: units ÷ 10^places. */
export interface Decimal {
  readonly units: bigint
  readonly places: number
}

/** Reads `12`, `-0.5`, `1e-3` as written; undefined for anything else. Numbers are read by their shortest decimal text. */
export function parseDecimal(text: string | number): Decimal | undefined {
  const m = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(String(text).trim())
  if (!m || (m[2] === '' && !m[3])) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = m
  const places = fraction.length - Number(exponent)
  const units = BigInt(`${sign}${whole}${fraction}`)
  return places >= 0 ? { units, places } : { units: units * 10n ** BigInt(-places), places: 0 }
}

/** Both numbers over the same power of ten: [a, b, 10^places] as integers. */
export function overCommonPower(a: Decimal, b: Decimal): readonly [bigint, bigint, bigint] {
  const places = Math.max(a.places, b.places)
  return [a.units * 10n ** BigInt(places - a.places), b.units * 10n ** BigInt(places - b.places), 10n ** BigInt(places)]
}

/** a ÷ b where that is a whole number, else undefined. */
export function wholeQuotient(a: Decimal, b: Decimal): bigint | undefined {
  const [x, y] = overCommonPower(a, b)
  return y !== 0n && x % y === 0n ? x / y : undefined
}

/** a − b */
export function minus(a: Decimal, b: Decimal): Decimal {
  const places = Math.max(a.places, b.places)
  const [x, y] = overCommonPower(a, b)
  return { units: x - y, places }
}

/** −1, 0 or 1 as a is below, equal to or above b. */
export function compareDecimal(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [x, y] = overCommonPower(a, b)
  return x < y ? -1 : x > y ? 1 : 0
}

/** Nearest double. */
export function toNumber(d: Decimal): number {
  return Number(d.units) / 10 ** d.places
}

/** Plain decimal text without exponent, trailing zeros dropped. */
export function formatDecimal(d: Decimal): string {
  const sign = d.units < 0n ? '-' : ''
  const digits = String(d.units < 0n ? -d.units : d.units).padStart(d.places + 1, '0')
  const whole = digits.slice(0, digits.length - d.places)
  const fraction = digits.slice(digits.length - d.places).replace(/0+$/, '')
  return sign + whole + (fraction === '' ? '' : `.${fraction}`)
}

/**
 * raw × scale + offset in decimal arithmetic, so that 3 × 0.1 is 0.3: both terms are whole numbers over one power of
 * ten, and the only rounding is the final division.
 */
export function makeLinear(scale: Decimal, offset: Decimal): (raw: number) => number {
  const [a, b, power] = overCommonPower(scale, offset)
  const [factor, shift, divisor] = [Number(a), Number(b), Number(power)]
  return (raw) => (raw * factor + shift) / divisor
}

/**
 * raw × scale + offset of whole numbers of any size, rounded once at most: a whole result outside ±2^53 is a bigint, any
 * other the nearest double.
 */
export function makeExactLinear(scale: Decimal, offset: Decimal): (raw: number | bigint) => number | bigint {
  const [a, b, power] = overCommonPower(scale, offset)
  const [factor, shift, divisor] = [Number(a), Number(b), Number(power)]
  // Doubles hold the powers of ten up to 1e22 exactly.
  const plain = Number.isSafeInteger(factor) && Number.isSafeInteger(shift) && divisor <= 1e22
  const places = String(power).length - 1
  return (raw) => {
    if (plain && typeof raw === 'number') {
      const product = raw * factor
      const sum = product + shift
      if (Number.isSafeInteger(product) && Number.isSafeInteger(sum)) return sum / divisor
    }
    const units = BigInt(raw) * a + b
    if (units % power !== 0n) return Number(formatDecimal({ units, places }))
    const whole = units / power
    const near = Number(whole)
    return Number.isSafeInteger(near) ? near : whole
  }
}
