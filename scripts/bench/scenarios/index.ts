/** All scenarios, in the order in which a round goes through them. */
import type { Scenario } from '../bench.ts'
import { blockedHeadScenario } from './blocked-head.ts'
import { drainScenario, fullTableScenario, snapshotScenario } from './drain.ts'
import { enqueueScenario } from './enqueue.ts'
import { idleScenario } from './idle.ts'
import { latencyScenario } from './latency.ts'
import { pollersScenario } from './pollers.ts'
import { workflowsScenario } from './workflows.ts'

export const SCENARIOS: readonly Scenario[] = [
  drainScenario,
  snapshotScenario,
  enqueueScenario,
  latencyScenario,
  workflowsScenario,
  blockedHeadScenario,
  pollersScenario,
  idleScenario,
  // Last: what a table of ten gigabytes leaves behind in caches and on its way to the disk would slow the others down.
  fullTableScenario,
]
