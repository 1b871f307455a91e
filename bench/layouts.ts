import type { Place } from '../adapters/modbus/read-set.ts'

/** Where the signals of a device lie, and the line it is read over. */
export interface Layout {
  readonly name: string
  readonly line: 'tcp' | 'rtu 9600' | 'rtu 19200'
  /** the widest hole the operator lets the peer bridge; its default is 50 */
  readonly fill: number
  readonly max_registers: number
  readonly places: readonly Place[]
}

const at = (address: number, size = 1): Place => ({ table: 'holding', address, size })
const row = (n: number, place: (i: number) => Place): readonly Place[] => Array.from({ length: n }, (_, i) => place(i))
const scattered = (n: number, widest: number, size: number): readonly Place[] => {
  const random = sequence(n)
  let next = 0
  return row(n, () => {
    const place = at(next, size)
    next += size + 1 + Math.floor(random() * widest)
    return place
  })
}

/** Numbers from 0 to 1, the same in each run (Park and Miller's minimal standard generator). */
export function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const layout = (
  name: string,
  places: readonly Place[],
  options: Partial<Omit<Layout, 'name' | 'places'>> = {},
): Layout => ({
  name,
  places,
  line: 'tcp',
  fill: 50,
  max_registers: 125,
  ...options,
})

const singles200 = scattered(200, 4, 1)
const every61 = row(20, (i) => at(i * 61))
const blocks = [...row(100, (i) => at(i)), ...row(100, (i) => at(120 + i))]
const meter = [
  ...row(9, (i) => at(i * 2, 2)),
  at(52, 2),
  at(70, 2),
  at(72, 2),
  at(84, 2),
  at(200, 2),
  at(224, 2),
  at(342, 2),
]
const sparse = scattered(400, 90, 2)

/** The cases that users of peers reported, and what real devices look like. */
export const LAYOUTS: readonly Layout[] = [
  layout(
    '16 bits of one register',
    row(16, () => at(7)),
  ),
  layout('a number inside a string', [at(10, 8), at(12)]),
  layout('200 singles, holes up to 4', singles200),
  layout('200 singles, holes up to 4, 9600 baud', singles200, { line: 'rtu 9600' }),
  layout('20 singles every 61, fill 50', every61),
  layout('20 singles every 61, fill 60', every61, { fill: 60 }),
  layout('20 singles every 61, fill 60, 9600 baud', every61, { fill: 60, line: 'rtu 9600' }),
  layout('two blocks of 100, hole of 20', blocks),
  layout('two blocks of 100, hole of 20, 9600 baud', blocks, { line: 'rtu 9600' }),
  layout('a power meter of 16 floats', meter),
  layout('a power meter of 16 floats, 9600 baud', meter, { line: 'rtu 9600' }),
  layout('a power meter that answers 32 registers', meter, { line: 'rtu 19200', max_registers: 32 }),
  layout(
    '1,000 floats in a row',
    row(1_000, (i) => at(i * 2, 2)),
  ),
  layout('400 floats scattered, 19200 baud', sparse, { line: 'rtu 19200' }),
  layout('400 floats scattered', sparse),
  layout(
    'holes at the break-even, 19200 baud',
    row(9, (i) => at(i * 16)),
    { line: 'rtu 19200' },
  ),
  layout(
    'overlapping strings',
    row(8, (i) => at(i * 20, 30)),
  ),
  layout('a long string over several numbers', [at(0, 60), at(3), at(59, 2), at(61), at(118, 4), at(130)]),
  layout('clusters of alarms and values, 9600 baud', [at(0), at(1), at(2), at(30), at(31), at(45), at(100, 4)], {
    line: 'rtu 9600',
  }),
  layout(
    'nine values of a drive, 9600 baud',
    [at(0), at(1), at(14), at(15, 2), at(30), at(44, 2), at(59), at(70, 4), at(200)],
    { line: 'rtu 9600' },
  ),
  layout(
    'nine floats, 32 registers at once',
    row(9, (i) => at(i * 7, 2)),
    { max_registers: 32 },
  ),
  layout('nine values over three reads', [
    at(0, 40),
    at(50, 40),
    at(88, 20),
    at(120, 60),
    at(150, 4),
    at(170, 30),
    at(230),
    at(290, 2),
    at(300, 20),
  ]),
  layout(
    'coils with holes',
    row(60, (i) => ({ table: 'coil', address: i * 37, size: 1 })),
  ),
]
