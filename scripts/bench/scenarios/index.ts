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
  fullTableScenario,
  enqueueScenario,
  latencyScenario,
  workflowsScenario,
  blockedHeadScenario,
  pollersScenario,
  idleScenario,
]
