import type { Problem } from '../core/problem.ts'
import type { PlanColumn, PlanDataset } from './compile.ts'
import { RISK } from './compile-window.ts'

type NumberColumn = PlanColumn & { readonly kind: 'number' }

/**
 * Columns that show one value on two grids: both together are finer than either, so that neither keeps what the profile
 * asks of it. One that repeats another on the same grid says nothing new.
 */
export function doubleProblems(datasets: readonly PlanDataset[]): readonly Problem[] {
  const first = new Map<string, { readonly at: string; readonly column: NumberColumn }>()
  return datasets.flatMap(({ name, columns }) =>
    columns.flatMap((column): readonly Problem[] => {
      if (column.kind !== 'number') return []
      const keys = new Set(column.inputs.map((inputs) => valueKey(column, inputs)))
      const twins = [...keys].flatMap((key) => first.get(key) ?? [])
      const twin = twins.find((one) => !isSameGrid(one.column, column))
      for (const key of keys) if (!first.has(key)) first.set(key, { at: `${name}.${column.name}`, column })
      if (!twin || column.accepted_risk !== null || twin.column.accepted_risk !== null) return []
      return [
        {
          path: ['datasets', name, column.name],
          message: `${twin.at} shows the same on another grid: both together are finer than either`,
          hint: `give both the same range and step, or add \`${RISK}\``,
        },
      ]
    }),
  )
}

/** What a share leaves of one is the other share. */
function valueKey({ stat, window }: NumberColumn, inputs: PlanColumn['inputs'][number]): string {
  const shown = stat === 'share_false' ? 'share_true' : stat
  return JSON.stringify([shown, window, ...inputs.map(({ id }) => id)])
}

function isSameGrid(a: NumberColumn, b: NumberColumn): boolean {
  return a.unit === b.unit && a.step === b.step && a.range[0] === b.range[0] && a.range[1] === b.range[1]
}
