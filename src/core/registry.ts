/** Which code runs which job type: built once at boot from the definitions, then only read. */
import type { InputSchema, JobDefinition, StepDefinition, WorkflowDefinition } from './workflow.ts'

export interface Registry {
  /** Every job type this process knows, sorted. */
  readonly jobTypes: readonly string[]
  job(jobType: string): JobDefinition | undefined
  workflow(name: string): WorkflowDefinition | undefined
  readonly workflows: readonly WorkflowDefinition[]
}

/**
 * Definitions whose input type is known only to themselves. The registry calls `run` with what the same
 * definition's `input.parse` returned, so the two always fit.
 */
export type AnyJob = Erased<JobDefinition<never>>
export type AnyWorkflow = Erased<Omit<WorkflowDefinition<never>, 'steps'>> & {
  readonly steps: readonly Erased<StepDefinition<never>>[]
}
type Erased<Definition> = Omit<Definition, 'input'> & { readonly input: InputSchema<unknown> }

/** Builds the registry; throws when two definitions share a job type or a workflow name. */
export function createRegistry(given: {
  readonly workflows?: readonly AnyWorkflow[]
  readonly jobs?: readonly AnyJob[]
}): Registry {
  const workflows = (given.workflows ?? []) as unknown as readonly WorkflowDefinition[]
  const jobs = (given.jobs ?? []) as unknown as readonly JobDefinition[]
  const byName = new Map<string, WorkflowDefinition>()
  for (const workflow of workflows) {
    if (byName.has(workflow.name)) throw new Error(`workflow "${workflow.name}" is defined twice`)
    byName.set(workflow.name, workflow)
  }
  const byType = new Map<string, JobDefinition>()
  for (const job of [...workflows.flatMap((workflow) => workflow.steps), ...jobs]) {
    if (byType.has(job.jobType)) throw new Error(`job type "${job.jobType}" is defined twice`)
    byType.set(job.jobType, job)
  }
  return {
    jobTypes: [...byType.keys()].sort(),
    job: (jobType) => byType.get(jobType),
    workflow: (name) => byName.get(name),
    workflows,
  }
}
