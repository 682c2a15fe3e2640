/** Which code runs which job type: built once at boot from the definitions, then only read. */
import { maxRetries } from './retry.ts'
import type { ScheduleDefinition, ScheduleSeed } from './schedule.ts'
import type { InputSchema, JobDefinition, StepDefinition, WorkflowDefinition } from './workflow.ts'

export interface Registry {
  /** Every job type this process knows, sorted. */
  readonly jobTypes: readonly string[]
  job(jobType: string): JobDefinition | undefined
  workflow(name: string): WorkflowDefinition | undefined
  readonly workflows: readonly WorkflowDefinition[]
  readonly schedules: readonly ScheduleSeed[]
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

/**
 * Builds the registry; throws when two definitions share a job type, a workflow's or a schedule's name, or when a
 * schedule's job type is unknown, a step, or refuses its payload.
 */
export function createRegistry(given: {
  readonly workflows?: readonly AnyWorkflow[]
  readonly jobs?: readonly AnyJob[]
  readonly schedules?: readonly ScheduleDefinition[]
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
    schedules: completeSchedules(given.schedules ?? [], new Map(jobs.map((job) => [job.jobType, job]))),
  }
}

function completeSchedules(
  schedules: readonly ScheduleDefinition[],
  jobs: ReadonlyMap<string, JobDefinition>,
): ScheduleSeed[] {
  const names = new Set<string>()
  return schedules.map((schedule) => {
    const { name, jobType, payload } = schedule
    if (names.has(name)) throw new Error(`schedule "${name}" is defined twice`)
    names.add(name)
    const job = jobs.get(jobType)
    if (job === undefined)
      throw new Error(`schedule "${name}" fires "${jobType}", which is no job type of its own`)
    try {
      job.input.parse(payload)
    } catch (error) {
      throw new Error(`the payload of schedule "${name}" is refused by the job type "${jobType}"`, {
        cause: error,
      })
    }
    return {
      ...schedule,
      queue: schedule.queue ?? job.queue,
      priority: schedule.priority ?? job.priority,
      maxRetries: schedule.maxRetries ?? maxRetries(job.retry),
    }
  })
}
