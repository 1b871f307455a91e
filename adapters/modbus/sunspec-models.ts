/**
 * The points of those SunSpec models that are read here, in the order in which they lie in the device (SunSpec Alliance,
 * github.com/sunspec/models, json/model_1, 101–103, 111–113, 201–204, 211–214). Names are those of the specification.
 */
export interface Point {
  readonly name: string
  readonly kind: PointKind
  /** the point that holds its scale factor */
  readonly sf?: string
  /** UCUM */
  readonly unit?: string
  readonly labels?: Readonly<Record<string, string>>
  /** every device of this model has it, so that a 0 is a value */
  readonly mandatory?: true
}

/** Kinds of points, with the registers that each takes. */
export const POINT_SIZE = { int16: 1, uint16: 1, acc32: 2, enum16: 1, bits32: 2, float32: 2, sunssf: 1 } as const
export type PointKind = keyof typeof POINT_SIZE

/** Where the texts of the common model (1) lie, counted from its first register, and their lengths in registers. */
export const COMMON = { maker: [2, 16], model: [18, 16], version: [42, 8], serial: [50, 16] } as const

const NAMES: Readonly<Record<number, string>> = {
  1: 'common',
  101: 'inverter, single phase',
  102: 'inverter, split phase',
  103: 'inverter, three phase',
  111: 'inverter, single phase, float',
  112: 'inverter, split phase, float',
  113: 'inverter, three phase, float',
  201: 'meter, single phase',
  202: 'meter, split phase',
  203: 'meter, three phase wye',
  204: 'meter, three phase delta',
  211: 'meter, single phase, float',
  212: 'meter, split phase, float',
  213: 'meter, three phase wye, float',
  214: 'meter, three phase delta, float',
}

/** What a model is, in words; undefined for one that is not read here. */
export function modelName(id: number): string | undefined {
  return NAMES[id]
}

/** The points of a model after its id and length; none for a model whose points are not read here. */
export function pointsOf(id: number): readonly Point[] {
  if (id >= 101 && id <= 103) return inverter('uint16', 'int16')
  if (id >= 111 && id <= 113) return inverter('float32', 'float32')
  if (id >= 201 && id <= 204) return meter('int16', '%')
  return id >= 211 && id <= 214 ? meter('float32', '1') : []
}

const REACTIVE = '{reactive}'
const STATES = {
  1: 'OFF',
  2: 'SLEEPING',
  3: 'STARTING',
  4: 'MPPT',
  5: 'THROTTLED',
  6: 'SHUTTING_DOWN',
  7: 'FAULT',
  8: 'STANDBY',
}

/** Points of one quantity, and behind them their scale factor, which float models do not have. */
function scaled(names: string, kind: PointKind, sf: string, unit: string, mandatory: readonly string[] = []): Point[] {
  const float = kind === 'float32'
  const points = names.split(' ').map(
    (name): Point => ({
      name,
      kind,
      unit,
      ...(float ? {} : { sf }),
      ...(mandatory.includes(name) ? { mandatory: true } : {}),
    }),
  )
  return float ? points : [...points, { name: sf, kind: 'sunssf' }]
}

function inverter(plain: 'uint16' | 'float32', signed: 'int16' | 'float32'): readonly Point[] {
  const energy = plain === 'float32' ? 'float32' : 'acc32'
  return [
    ...scaled('A AphA AphB AphC', plain, 'A_SF', 'A'),
    ...scaled('PPVphAB PPVphBC PPVphCA PhVphA PhVphB PhVphC', plain, 'V_SF', 'V'),
    ...scaled('W', signed, 'W_SF', 'W'),
    ...scaled('Hz', plain, 'Hz_SF', 'Hz'),
    ...scaled('VA', signed, 'VA_SF', 'V.A'),
    ...scaled('VAr', signed, 'VAr_SF', `V.A${REACTIVE}`),
    ...scaled('PF', signed, 'PF_SF', '%'),
    ...scaled('WH', energy, 'WH_SF', 'W.h', ['WH']),
    ...scaled('DCA', plain, 'DCA_SF', 'A'),
    ...scaled('DCV', plain, 'DCV_SF', 'V'),
    ...scaled('DCW', signed, 'DCW_SF', 'W'),
    ...scaled('TmpCab TmpSnk TmpTrns TmpOt', signed, 'Tmp_SF', 'Cel'),
    { name: 'St', kind: 'enum16', labels: STATES },
    { name: 'StVnd', kind: 'enum16' },
    ...['Evt1', 'Evt2', 'EvtVnd1', 'EvtVnd2', 'EvtVnd3', 'EvtVnd4'].map((name): Point => ({ name, kind: 'bits32' })),
  ]
}

function meter(kind: 'int16' | 'float32', powerFactorUnit: string): readonly Point[] {
  const energy = kind === 'float32' ? 'float32' : 'acc32'
  const phases = (total: string): string => [total, `${total}phA`, `${total}phB`, `${total}phC`].join(' ')
  const counters = (total: string): string => [total, `${total}PhA`, `${total}PhB`, `${total}PhC`].join(' ')
  const all = (...totals: readonly string[]): string => totals.map(counters).join(' ')
  return [
    ...scaled(phases('A'), kind, 'A_SF', 'A'),
    ...scaled('PhV PhVphA PhVphB PhVphC PPV PhVphAB PhVphBC PhVphCA', kind, 'V_SF', 'V'),
    ...scaled('Hz', kind, 'Hz_SF', 'Hz'),
    ...scaled(phases('W'), kind, 'W_SF', 'W'),
    ...scaled(phases('VA'), kind, 'VA_SF', 'V.A'),
    ...scaled(phases('VAR'), kind, 'VAR_SF', `V.A${REACTIVE}`),
    ...scaled(phases('PF'), kind, 'PF_SF', powerFactorUnit),
    ...scaled(all('TotWhExp', 'TotWhImp'), energy, 'TotWh_SF', 'W.h', ['TotWhExp', 'TotWhImp']),
    ...scaled(all('TotVAhExp', 'TotVAhImp'), energy, 'TotVAh_SF', 'V.A.h'),
    ...scaled(
      all('TotVArhImpQ1', 'TotVArhImpQ2', 'TotVArhExpQ3', 'TotVArhExpQ4'),
      energy,
      'TotVArh_SF',
      `V.A.h${REACTIVE}`,
    ),
    { name: 'Evt', kind: 'bits32' },
  ]
}
