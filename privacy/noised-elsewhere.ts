import type { Problem } from '../core/problem.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from './compile.ts'

/** Id of a signal → the column that publishes it with noise, in words. */
export type Noised = ReadonlyMap<string, string>

type HasNoise = (dataset: PlanDataset, column: PlanColumn) => boolean

const isNoised: HasNoise = (_, { noise }) => noise !== undefined

/** What a pool publishes with noise. */
export function noisedBy({ pool, datasets }: DisclosurePlan): Noised {
  return new Map([...noisedIn(datasets, isNoised)].map(([id, where]) => [id, `${where} of the pool ${pool}`]))
}

/** Columns that would give one pool without noise what `elsewhere`, in others, has it: who sees both has no noise. */
export function noisedElsewhere({ datasets }: DisclosurePlan, elsewhere: Noised): readonly Problem[] {
  return bareProblems(datasets, elsewhere, isNoised)
}

/** What these datasets publish with noise. */
export function noisedIn(datasets: readonly PlanDataset[], hasNoise: HasNoise): Noised {
  return new Map(
    datasets.flatMap((dataset) =>
      dataset.columns
        .filter((column) => hasNoise(dataset, column))
        .flatMap((column) => idsOf(column).map((id) => [id, `${dataset.name}.${column.name}`] as const)),
    ),
  )
}

/** A signal that is noised anywhere is nowhere published without. */
export function bareProblems(datasets: readonly PlanDataset[], noised: Noised, hasNoise: HasNoise): readonly Problem[] {
  return datasets.flatMap((dataset) =>
    dataset.columns.flatMap((column): readonly Problem[] => {
      const id = hasNoise(dataset, column) ? undefined : idsOf(column).find((one) => noised.has(one))
      if (id === undefined) return []
      return [
        {
          path: ['datasets', dataset.name, column.name],
          message: `"${id}" has noise in ${noised.get(id)}, and would be published here without`,
          hint: 'add noise here too, or leave one of the columns out',
        },
      ]
    }),
  )
}

function idsOf({ inputs }: PlanColumn): readonly string[] {
  return inputs.flat().map(({ id }) => id)
}
