import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawChart } from '../chart.ts'
import type { Curve } from './curve.ts'
import type { PrivacyResult, ProfileResult } from './privacy.ts'

/** Writes `privacy-bench.md` and, where the curve was measured, `privacy-bench.svg` into a folder. */
export function writeReport(result: PrivacyResult, folder: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'privacy-bench.md'), report(result))
  if (result.curve) writeFileSync(join(folder, 'privacy-bench.svg'), paretoPlot(result.curve))
}

/** One row a metric: what it is, and its text for a profile. */
const ROWS: readonly (readonly [label: string, cell: (p: ProfileResult) => string])[] = [
  ['A1 names recovered from a dictionary', ({ A1 }) => share(A1.recovered, A1)],
  ['A2 plant found by a shift (8 h) of its raw readings', ({ A2 }) => (A2 ? share(A2.top1, A2) : '–')],
  [
    'A2 by an hour · by a day',
    ({ A2 }) => (A2 ? `${percent(A2.by_hours['1h']!)} · ${percent(A2.by_hours['24h']!)}` : '–'),
  ],
  ['A3 machine found again under its next pseudonym', ({ A3 }) => (A3 ? share(A3.top1, A3) : '–')],
  ['A4 weather station found', ({ A4 }) => share(A4.top1, A4)],
  [
    'A5 values a noised cell ever had · ε declared, found at least',
    ({ A5 }) => (A5 ? `${A5.values_per_cell} · ${A5.epsilon.toFixed(4)}, ${A5.epsilon_found.toFixed(4)}` : 'no noise'),
  ],
  ['A6 at work or idle, from traffic (AUC)', ({ A6 }) => (A6 ? area(A6.auc, A6) : '–')],
  ['A7 exact number of parts found', ({ A7 }) => share(A7.exact, A7)],
  ['A7 cycle time found, to 1 %', ({ A7 }) => `${percent(A7.cycle)} (${percent(A7.cycle_lo)}–${percent(A7.cycle_hi)})`],
  ['A7 error of the set point, % of the range', ({ A7 }) => A7.set_point_error.toFixed(2)],
  [
    'U1 largest move of a correlation · signs kept',
    ({ U1 }) => (U1 ? `${U1.largest.toFixed(3)} · ${percent(U1.signs_kept)}` : '–'),
  ],
  ['U2 failures predicted on raw parts (AUC, loss in points)', ({ U2 }) => (U2 ? utility(U2.auc, U2.loss) : '–')],
  ['U3 anomalies detected (AUC, loss in points)', ({ U3 }) => (U3 ? utility(U3.auc, U3.loss) : '–')],
  [
    'U4 cells that are there: conditions · rates',
    ({ U4 }) => (U4 ? `${percent(U4.coverage)} · ${percent(U4.rates)}` : '–'),
  ],
]

function report({ profiles, noise, controls_ok, skipped, curve }: PrivacyResult): string {
  const names = Object.keys(profiles)
  const table = [
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---|').join('')}`,
    ...ROWS.map(([label, cell]) => `| ${label} | ${names.map((name) => cell(profiles[name]!)).join(' | ')} |`),
  ]
  const controls = [
    noise.A2 && `A2 ${share(noise.A2.top1, noise.A2)}`,
    noise.A3 && `A3 ${share(noise.A3.top1, noise.A3)}`,
    `A4 ${share(noise.A4.top1, noise.A4)}`,
  ].filter(Boolean)
  return `# Attacks on what leaves, and what is left to learn from it

Written by \`npm run bench -- privacy --write\`; every figure is measured, none is typed. The plants are virtual, the disclosure and the sealing
are the code that runs in the agent. What each attack knows and does stands at the head of its file in \`bench/privacy/\` and \`attack/\`.
In brackets: 95 % Clopper-Pearson interval, and how many times better than guessing.

\`passthrough\` lets raw readings through: it is the positive control of the bench, not a profile. Profiles stand at their floor, as fine as they
let a policy be; A6 is the worse of size and moment of sending, and of a plant that is polled and one whose sensors speak by themselves.

${table.join('\n')}

Negative control, rows that are pure noise: ${controls.join('; ')}. Both controls hold: **${controls_ok ? 'yes' : 'no'}**.
${Object.entries(skipped)
  .map(([name, why]) => `\n\`${name}\` was not measured: ${why}.\n`)
  .join('')}
## Against the aims

${aims(profiles)
  .map(([aim, met, figure]) => `- ${met === null ? 'not measured' : met ? 'met' : '**not met**'}: ${aim} (${figure})`)
  .join('\n')}

## How to read it

- A pseudonym and an average of a minute do not hide a plant from one who holds a shift of its raw readings: he computes what it would have
  published. Only noise that is large against the differences between plants does, and that noise is what U2 and U3 pay for.
- The attackers are the best we know how to build, not the best there are: what they find is a lower bound.
- The days of A2 are days of one real steelworks; the weather of A4 and the lines and cycles of A7 are made up; the parts of U2 are a
  synthetic set (AI4I 2020); the engines of A3 are simulated (C-MAPSS). Real plants may differ more, or less.
- A4 is about place alone: the hour is published as it is.
${curve ? curveText(curve) : ''}
## Data

AI4I 2020: S. Matzka, UCI 601, doi 10.24432/C5HS5C (CC BY 4.0). Steel Industry Energy Consumption: V E Sathishkumar, C. Shin, Y. Cho, UCI 851,
doi 10.24432/C52G8C (CC BY 4.0). SKAB: I. Katser, V. Kozitsin, doi 10.34740/KAGGLE/DSV/1693952 (GPL-3.0). C-MAPSS FD001: A. Saxena et al., NASA, 2008.
None of them is part of this project; the bench reads them from a folder (\`--data\`) and skips what is absent.
`
}

type Aim = readonly [aim: string, met: boolean | null, figure: string]

function aims({ passthrough, balanced, strict }: PrivacyResult['profiles']): readonly Aim[] {
  const aim = (text: string, figure: number | null | undefined, holds: (x: number) => boolean, digits = 3): Aim =>
    figure === null || figure === undefined ? [text, null, '–'] : [text, holds(figure), figure.toFixed(digits)]
  return [
    aim('passthrough: A2 at least 0.9', passthrough?.A2?.top1, (x) => x >= 0.9),
    aim('balanced: A1 recovers 0', balanced?.A1.recovered, (x) => x === 0),
    aim('balanced: A6 at most 0.55', balanced?.A6?.auc, (x) => x <= 0.55),
    aim('balanced: A7 exact number at most 0.01', balanced?.A7.exact, (x) => x <= 0.01, 4),
    aim('balanced: U2 loses at most 2 points', points(balanced?.U2?.loss), (x) => x <= 2, 2),
    aim('balanced: U3 loses at most 2 points', points(balanced?.U3?.loss), (x) => x <= 2, 2),
    aim('strict: A2 at most 0.05', strict?.A2?.top1, (x) => x <= 0.05),
    aim(`strict: A3 at most 3/N`, strict?.A3?.lift, (x) => x <= 3, 2),
  ]
}

function points(loss: number | null | undefined): number | undefined {
  return loss === null || loss === undefined ? undefined : loss * 100
}

function curveText(curve: Curve): string {
  const rows = curve.map(
    (p) =>
      `| ${p.name} | ${percent(p.linked_1h)} | ${percent(p.linked_8h)} | ${p.defects?.toFixed(3) ?? '–'} | ${p.events?.toFixed(3) ?? '–'} |`,
  )
  return `
## The trade

Window, step as a share of the range, and noise for each signal; the attacker of A2 holds an hour, or a shift, of raw readings, of 100 plants.

![Linkage against usefulness](privacy-bench.svg)

| window, step, noise | A2, an hour | A2, a shift | U2 (AUC) | U3 (AUC) |
|---|---|---|---|---|
${rows.join('\n')}
`
}

function paretoPlot(curve: Curve): string {
  const kinds = [
    ['without noise', (p: Curve[number]) => !p.name.includes('ε')],
    ['with noise', (p: Curve[number]) => p.name.includes('ε')],
  ] as const
  const panel = (key: 'defects' | 'events', name: string) => ({
    x: { name: 'plants found by a shift of raw readings (A2)', unit: '%', min: 0, max: 100 },
    y: { name, unit: 'AUC', min: 0.4, max: 1 },
    series: kinds.map(([kind, is]) => ({
      name: kind,
      as: 'dots' as const,
      points: curve.filter(is).flatMap((p) => (p[key] === null ? [] : [[100 * p.linked_8h, p[key]] as const])),
    })),
  })
  return drawChart({
    title: 'What is linked, and what can be learnt',
    panels: [panel('defects', 'failures (U2)'), panel('events', 'anomalies (U3)')],
  })
}

interface Interval {
  readonly lo: number
  readonly hi: number
  readonly lift: number | null
}

function share(value: number, { lo, hi, lift }: Interval): string {
  const times = lift === null ? '' : `, ×${lift.toPrecision(2)}`
  return `${percent(value)} (${percent(lo)}–${percent(hi)}${times})`
}

function area(value: number, { lo, hi }: Interval): string {
  return `${value.toFixed(3)} (${lo.toFixed(2)}–${hi.toFixed(2)})`
}

function utility(auc: number | null, loss: number | null): string {
  return auc === null ? 'nothing to learn' : `${auc.toFixed(3)}, ${(100 * (loss ?? 0)).toFixed(1)}`
}

function percent(x: number): string {
  return `${(100 * x).toFixed(1)} %`
}
