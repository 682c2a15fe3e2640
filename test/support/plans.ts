/** Plans as `explain (analyze, format json)` gives them. */

export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly PlanNode[]
}

const REMOVED = [
  'Rows Removed by Filter',
  'Rows Removed by Join Filter',
  'Rows Removed by Index Recheck',
] as const

/** Rows that one node of a plan handled over all its loops, also those it threw away. */
export function rowsHandled(node: PlanNode): number {
  const removed = REMOVED.reduce((sum, reason) => sum + (node[reason] ?? 0), 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}
