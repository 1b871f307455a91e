import type { Problem } from '../core/problem.ts'
import type { DisclosurePlan, PlanColumn } from './compile.ts'

/** Id of a signal → the column that publishes it with noise, in words. */
export type Noised = ReadonlyMap<string, string>

/** What a pool publishes with noise. */
export function noisedBy({ pool, datasets }: DisclosurePlan): Noised {
  return new Map(
    datasets.flatMap((dataset) =>
      dataset.columns
        .filter(({ noise }) => noise)
        .flatMap((column) =>
          idsOf(column).map((id) => [id, `${dataset.name}.${column.name} of the pool ${pool}`] as const),
        ),
    ),
  )
}

/** Columns that would give one pool without noise what `elsewhere`, in others, has it: who sees both has no noise. */
export function noisedElsewhere({ datasets }: DisclosurePlan, elsewhere: Noised): readonly Problem[] {
  return datasets.flatMap((dataset) =>
    dataset.columns.flatMap((column): readonly Problem[] => {
      const id = column.noise ? undefined : idsOf(column).find((one) => elsewhere.has(one))
      if (id === undefined) return []
      return [
        {
          path: ['datasets', dataset.name, column.name],
          message: `"${id}" has noise in ${elsewhere.get(id)}, and would be published here without`,
          hint: 'add noise here too, or leave one of the columns out',
        },
      ]
    }),
  )
}

function idsOf({ inputs }: PlanColumn): readonly string[] {
  return inputs.flat().map(({ id }) => id)
}
