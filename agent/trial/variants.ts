import type { DisclosurePlan, PlanColumn } from '../../privacy/compile.ts'

/** The grid is so many times finer where what left is compared with what is there. */
const FINER = 1_000

/** The plan without noise: what the holder of raw readings can compute of what would have been published. */
export function plainPlan(plan: DisclosurePlan): DisclosurePlan {
  const bare = withColumns(plan, (column) => {
    if (column.kind !== 'number') return column
    const { noise: _, ...rest } = column
    return rest
  })
  return { ...bare, budget: null }
}

/** The plan without noise, on a grid that hides nothing. */
export function finerPlan(plan: DisclosurePlan): DisclosurePlan {
  return withColumns(plainPlan(plan), (column) =>
    column.kind === 'number'
      ? {
          ...column,
          grid: {
            low: column.grid.low * FINER,
            step: column.grid.step,
            power: column.grid.power * FINER,
            steps: column.grid.steps * FINER,
          },
        }
      : column,
  )
}

function withColumns(plan: DisclosurePlan, change: (column: PlanColumn) => PlanColumn): DisclosurePlan {
  return {
    ...plan,
    datasets: plan.datasets.map((dataset) => ({ ...dataset, columns: dataset.columns.map(change) })),
  }
}
