const POWERS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/**
 * The shortest decimal that is this single-precision number, as the double nearest to it: what the device meant by
 * 0.1 is 0.1, not 0.10000000149011612. `x` must be a float32 value; NaN and infinities come back as they are, minus
 * zero as zero.
 */
export function float32Decimal(x: number): number {
  const size = Math.abs(x)
  if (Number.isInteger(x) && size < 16_777_216) return x + 0
  const decimal = size > 1e-7 && size < 1e12 ? byDivision(size) : byText(size)
  return x < 0 ? -decimal : decimal
}

/** A whole number over a power of ten up to 1e22 is one correctly rounded division: the same double the text gives. */
function byDivision(x: number): number {
  const exponent = Math.floor(Math.log10(x))
  for (let digits = 6; digits <= 9; digits++) {
    const places = digits - 1 - exponent
    const candidate =
      places >= 0
        ? Math.round(x * POWERS[places]!) / POWERS[places]!
        : Math.round(x / POWERS[-places]!) * POWERS[-places]!
    if (Math.fround(candidate) === x) return candidate
  }
  return byText(x)
}

/** The smallest numbers have fewer than six digits. */
function byText(x: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(x.toPrecision(digits))
    if (Math.fround(candidate) === x) return candidate
  }
  return x
}

/**
 * The shortest decimal that is this half-precision number, as the double nearest to it; whole numbers as they are.
 * `x` must be a float16 value; NaN and infinities come back as they are, minus zero as zero.
 */
export function float16Decimal(x: number): number {
  if (Number.isInteger(x)) return x + 0
  for (let digits = 1; digits <= 5; digits++) {
    const candidate = Number(x.toPrecision(digits))
    if (Math.f16round(candidate) === x) return candidate
  }
  return x
}
